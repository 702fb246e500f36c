# shellcheck shell=sh
# Docker Compose for the tests of deploy/compose.yaml, which need no Docker engine: built from its Go module where there is none. Its
# path goes to them as BROWSERWATCH_COMPOSE. Where it can't be built those tests are skipped, and fail in CI.
# shellcheck disable=SC2154  # $root and $go are set by ./dev and collector.sh

compose_version=v5.5.1

ensure_compose() {
    if [ -n "${BROWSERWATCH_COMPOSE:-}" ]; then
        "$BROWSERWATCH_COMPOSE" version >/dev/null 2>&1 ||
            fail "BROWSERWATCH_COMPOSE is $BROWSERWATCH_COMPOSE, but \`$BROWSERWATCH_COMPOSE version\` fails."
        return
    fi
    # The tests find these themselves. The Compose of before 2020 knows another format.
    case $(docker compose version --short 2>/dev/null || docker-compose version --short 2>/dev/null) in
        '' | 1.*) ;;
        *) return ;;
    esac
    BROWSERWATCH_COMPOSE=$root/.cache/compose/$compose_version/docker-compose
    [ -x "$BROWSERWATCH_COMPOSE" ] || build_compose "$(dirname "$BROWSERWATCH_COMPOSE")" || {
        say "The tests of deploy/compose.yaml are skipped"
        unset BROWSERWATCH_COMPOSE
        return
    }
    export BROWSERWATCH_COMPOSE
}

# $1: where it goes, in one step and only when it is complete; earlier ones go.
build_compose() {
    need_go || return
    say "Building Docker Compose $compose_version from its Go module (two minutes, once)"
    rm -rf .cache/compose-unfinished
    mkdir -p .cache/compose-unfinished
    (cd .cache/compose-unfinished && compile_compose) >.cache/compose.log 2>&1 || {
        tail -n 20 .cache/compose.log >&2
        say "Docker Compose could not be built (the end of .cache/compose.log is above)"
        return 1
    }
    rm -rf .cache/compose
    mkdir -p .cache/compose
    mv .cache/compose-unfinished "$1"
}

# In a module of our own: `go install` refuses one that excludes versions of others, as this one does.
compile_compose() {
    module=github.com/docker/compose/v5
    export GOWORK=off CGO_ENABLED=0
    "$go" mod init compose &&
        "$go" get "$module/cmd@$compose_version" &&
        "$go" build -trimpath -ldflags="-s -w -X $module/internal.Version=$compose_version" -o docker-compose "$module/cmd"
}
