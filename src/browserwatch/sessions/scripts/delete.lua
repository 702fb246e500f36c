-- Forget a session and whoever holds it: without an owner every later save is stale.
-- KEYS: session, lock, owner, index of the tenant   ARGV: name
-- Returns the number of sessions that were there.
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
return redis.call('DEL', KEYS[1])
