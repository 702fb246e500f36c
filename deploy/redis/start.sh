#!/bin/sh
# Starts Redis for the service; arguments go to redis-server. The password comes as REDISCLI_AUTH, which redis-cli reads too, and is
# handed on by standard input: arguments show in lists of processes and containers.
set -eu
: "${REDISCLI_AUTH:?is to be the password of the user browserwatch}"

exec redis-server - "$@" <<END
appendonly yes
# Sessions are no cache: rather refuse a write than forget one.
maxmemory 384mb
maxmemory-policy noeviction
user default off
user browserwatch on >$REDISCLI_AUTH ~browserwatch:* +@all -@admin -@dangerous
END
