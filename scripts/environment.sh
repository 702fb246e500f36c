# shellcheck shell=sh
# The Python environment in .venv: exactly what requirements/dev.txt locks, and browserwatch itself, editable.
# .venv/.dev marks an environment as made by ./dev. It holds the digest of what was installed, or "unfinished".
# shellcheck disable=SC2154  # $root is set by ./dev

uv_minimum=0.6
system_certificates=/etc/ssl/certs/ca-certificates.crt
unset python uv

ensure_environment() {
    case $(environment_state) in
        ready) return ;;
        foreign) fail "$root/.venv was not made by ./dev, so it is left alone. Move it away or remove it, then run ./dev again." ;;
        broken) discard_environment ;;
    esac
    need_uv
    [ -e .venv/.dev ] || create_environment
    install_packages
}

# ready, outdated, missing, broken (ours, but unfinished, moved or without its Python) or foreign
environment_state() {
    if [ ! -e .venv ] && [ ! -L .venv ]; then
        echo missing
    elif [ ! -e .venv/.dev ]; then
        # Empty: a set-up was stopped right after it had made the directory.
        if rmdir .venv 2>/dev/null; then echo missing; else echo foreign; fi
    elif [ "$(cat .venv/.dev)" = unfinished ] || [ "$(cat .venv/.dev-root 2>/dev/null)" != "$root" ]; then
        echo broken
    elif ! suitable_python .venv/bin/python; then
        echo broken
    elif [ "$(cat .venv/.dev)" = "$(locked_digest)" ]; then
        echo ready
    else
        echo outdated
    fi
}

locked_digest() {
    .venv/bin/python -I -c '
import hashlib, sys
print(hashlib.sha256(b"".join(open(name, "rb").read() for name in sys.argv[1:])).hexdigest())
' pyproject.toml requirements/dev.txt requirements/build.txt
}

# Renamed first, so that an interruption can't leave half an environment behind.
discard_environment() {
    say "Removing the unusable .venv of an earlier set-up"
    mkdir -p .cache
    mv .venv ".cache/old-venv.$$"
    rm -rf .cache/old-venv.*
}

create_environment() {
    need_python
    say "Creating .venv with $python"
    mkdir .venv
    echo unfinished >.venv/.dev
    printf '%s\n' "$root" >.venv/.dev-root
    "$uv" venv --quiet --allow-existing --python "$python" .venv ||
        fail "uv could not make an environment with $python (its message is above)."
}

install_packages() {
    say "Installing the locked Python packages into .venv (some hundred MB to download the first time)"
    digest=$(locked_digest)
    echo unfinished >.venv/.dev
    {
        "$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt &&
            "$uv" pip install --quiet --python .venv/bin/python --no-deps \
                --build-constraints requirements/build.txt --editable . &&
            "$uv" pip check --quiet --python .venv/bin/python
    } || fail "the packages could not be installed (uv's message is above).
If the network needs a mirror or a certificate: uv reads UV_DEFAULT_INDEX, SSL_CERT_FILE and HTTPS_PROXY, not pip.conf.
If pyproject.toml asks for what is not locked: run ./dev lock."
    echo "$digest" >.venv/.dev
}

# As an activated environment; a private uv comes last, for the tests that build a wheel.
enter_environment() {
    export VIRTUAL_ENV="$root/.venv"
    export PATH="$root/.venv/bin:$PATH:$root/.cache/uv/bin"
    unset PYTHONHOME
    share_network_settings # the tests build the wheel and install it
}

need_python() {
    [ -z "${python:-}" ] || return 0
    for candidate in python3.13 python3.12 python3.11 python3 python3.14 /usr/bin/python3 /opt/homebrew/bin/python3; do
        if has "$candidate" && suitable_python "$candidate"; then
            # The real path: a version manager's shim may answer differently elsewhere.
            python=$("$candidate" -I -c 'import sys; print(sys.executable)')
            return
        fi
    done
    fail "no Python 3.11 or newer was found. To install one:
  Debian 12 or newer, Ubuntu 24.04 or newer:  sudo apt-get install python3 python3-venv
  Ubuntu 22.04:                               sudo apt-get install python3.11 python3.11-venv
  macOS:                                      brew install python@3.13"
}

suitable_python() {
    "$1" -I -c 'import sys, ssl; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# The uv on PATH if it is recent enough, else a private one in .cache/uv.
need_uv() {
    [ -z "${uv:-}" ] || return 0
    share_network_settings
    uv=uv
    recent_uv "$(uv_version)" || need_locked_uv
}

# The very version that requirements/uv.txt pins: another might write the locks differently.
need_locked_uv() {
    share_network_settings
    uv=$root/.cache/uv/bin/uv
    [ "$(uv_version)" = "$(locked_uv_version)" ] || install_uv
}

uv_version() {
    "$uv" --version 2>/dev/null | cut -d' ' -f2
}

recent_uv() {
    printf '%s\n' "$1" | awk -F. -v minimum="$uv_minimum" '
        { split(minimum, least); exit !($1 > least[1] || ($1 == least[1] && $2 + 0 >= least[2] + 0)) }'
}

locked_uv_version() {
    sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements/uv.txt
}

install_uv() {
    need_python
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_venv_module
    say "Installing uv $(locked_uv_version) privately into .cache/uv"
    mkdir -p .cache
    "$python" -m venv --clear .cache/uv
    .cache/uv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --only-binary :all: \
        --require-hashes -r requirements/uv.txt ||
        fail "uv could not be installed (pip's message is above). With a uv $uv_minimum or newer on PATH, that one is used."
}

# Debian and Ubuntu keep a part of Python's own venv module in a package apart.
install_venv_module() {
    package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    has apt-get || fail "$python lacks its modules venv and ensurepip: install them, or another Python 3.11 or newer."
    [ -e "$system_certificates" ] || package="$package ca-certificates"
    can_be_root || fail "$python lacks its venv module. Run this, then ./dev again:
  sudo apt-get update && sudo apt-get install -y $package"
    say "Installing $package with apt-get, for Python's venv module"
    # shellcheck disable=SC2086  # one or two packages
    apt_install $package || fail "apt-get could not install $package (its message is above)."
}

# uv reads neither pip's settings nor the system's certificates: hand them on, unless uv has its own.
share_network_settings() {
    export UV_PYTHON_DOWNLOADS=never # Python comes from the system
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] && [ -n "${PIP_INDEX_URL:-}" ]; then
        export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
    fi
    if [ -z "${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}" ] && [ -n "${PIP_EXTRA_INDEX_URL:-}" ]; then
        export UV_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL"
    fi
    [ -z "${SSL_CERT_FILE:-}${SSL_CERT_DIR:-}${UV_NATIVE_TLS:-}${UV_SYSTEM_CERTS:-}" ] || return 0
    if [ -n "${PIP_CERT:-}" ]; then
        export SSL_CERT_FILE="$PIP_CERT"
    elif [ -e "$system_certificates" ]; then
        export SSL_CERT_FILE="$system_certificates"
    fi
}
