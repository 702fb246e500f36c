# shellcheck shell=sh
# promtool, amtool and Prometheus for the tests of rules and dashboards. Debian's packages also install services, so they come
# unasked only where none are started: in a container or a CI machine. Elsewhere those tests skip and say so.

ensure_prometheus() {
    if has promtool && has amtool; then return; fi
    if has apt-get && can_be_root && [ ! -d /run/systemd/system ]; then
        say "No promtool found: installing Debian's packages prometheus and prometheus-alertmanager with apt-get"
        apt_install prometheus prometheus-alertmanager || say "apt-get could not install them (its message is above)"
    else
        say "No promtool and amtool found: the tests of rules and dashboards that need them are skipped"
    fi
}
