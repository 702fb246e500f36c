-- Undo a run that was not taken after all.
-- KEYS: record, events, index of the tenant, and the claim of its idempotency key, if there is one   ARGV: id, claim
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
if KEYS[4] and redis.call('GET', KEYS[4]) == ARGV[2] then
  redis.call('DEL', KEYS[4])
end
return 1
