# shellcheck shell=sh
# What every step of ./dev needs: saying what is done, and installing system packages.

say() {
    printf -- '-- %s\n' "$*" >&2
}

fail() {
    printf './dev: %s\n' "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Without ever asking for a password.
can_be_root() {
    [ "$(id -u)" -eq 0 ] || sudo -n true >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# sudo drops the environment, and apt-get reads its proxies there. In "runlevel 1" packages don't start their services.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        ${http_proxy:+"http_proxy=$http_proxy"} \
        ${https_proxy:+"https_proxy=$https_proxy"} \
        ${no_proxy:+"no_proxy=$no_proxy"} \
        apt-get -o DPkg::Lock::Timeout=300 -q "$@" </dev/null
}

# A package source of the user's that is down must not stop us: the install says whether it mattered.
apt_install() {
    mkdir -p .cache
    {
        apt_get update || say "apt-get update had errors; going on with the package lists there are"
        apt_get install -y --no-install-recommends "$@"
    } >.cache/apt-get.log 2>&1 || {
        tail -n 20 .cache/apt-get.log >&2
        return 1
    }
}
