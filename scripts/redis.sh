# shellcheck shell=sh
# A redis-server for the service: that of the locked wheel, which is there for x86-64 Linux and Python 3.11 and 3.12, else the system's.

ensure_redis() {
    redis_there && return
    if has apt-get && can_be_root; then
        say "No redis-server found: installing Debian's package redis-server with apt-get (its own service is not used)"
        apt_install redis-server || say "apt-get could not install it (its message is above)"
    elif has brew; then
        say "No redis-server found: installing it with brew"
        brew install --quiet redis >&2 || say "brew could not install it (its message is above)"
    fi
    redis_there || fail "there is no redis-server of version 6.2 or newer, and none could be installed. Install one by hand, then run ./dev again:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y redis-server
  Fedora:          sudo dnf install redis
  macOS:           brew install redis"
}

redis_there() {
    .venv/bin/python -c 'from browserwatch.sessions.redis_binary import find_redis_server; find_redis_server()' 2>/dev/null
}
