# shellcheck shell=sh
# Every check but pytest, in the order of how fast it answers. The first that fails ends the run with its exit code.
# shellcheck disable=SC2154  # $started is set by ./dev

run_checks() {
    run_check ruff check .
    run_check ruff format --check .
    # The locked pyright with the locked Node.js: look for no other version, and for no other node.
    export PYRIGHT_PYTHON_IGNORE_WARNINGS=1 PYRIGHT_PYTHON_GLOBAL_NODE=off
    run_check pyright
    run_check lint-imports
    run_check python scripts/reference.py --check
    run_check python scripts/dashboards.py --check
}

run_check() {
    printf '\n== %s\n' "$*"
    "$@" || {
        status=$?
        printf '\n== FAILED after %s s: %s\n' "$(seconds_taken)" "$*" >&2
        exit "$status"
    }
}

say_passed() {
    printf '\n== All passed in %s s\n' "$(seconds_taken)"
}

seconds_taken() {
    echo $(($(date +%s) - started))
}
