#!/bin/sh
# Renews bench/peers/*.txt: every version pinned, every file by its hash, no package index named.
set -eu

cd -- "$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)"
uv=${UV:-uv}
for name in respan laminar openlit model_sdk; do
    UV_CUSTOM_COMPILE_COMMAND='sh bench/peers/lock.sh' "$uv" pip compile "bench/peers/$name.in" "$@" --universal \
        --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet \
        --output-file "bench/peers/$name.txt"
done
! grep -n '://' bench/peers/*.txt >&2 || {
    printf '%s\n' "the locks name an address (above); they must work with any package index." >&2
    exit 1
}
