# shellcheck shell=sh
# Renews requirements/*.txt: every version pinned, every file by its hash, no package index named.
# shellcheck disable=SC2154  # $uv is set by need_locked_uv

renew_locks() {
    need_locked_uv
    say "Locking pyproject.toml in requirements/dev.txt"
    compile_lock dev pyproject.toml --all-extras --group dev "$@"
    say "Locking the extra \`service\` in requirements/service.txt, for the image"
    compile_lock service pyproject.toml --extra service --constraints requirements/dev.txt "$@"
    for name in build uv playwright go; do
        say "Locking requirements/$name.in in requirements/$name.txt"
        compile_lock "$name" "requirements/$name.in" "$@"
    done
    ! grep -n '://' requirements/*.txt >&2 || fail "the locks name an address (above); they must work with any package index."
}

# $1: name of the lock; the rest: what to lock. Versions already there stay, unless --upgrade is given.
compile_lock() {
    output=requirements/$1.txt
    shift
    UV_CUSTOM_COMPILE_COMMAND='./dev lock' "$uv" pip compile "$@" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --quiet --output-file "$output"
}
