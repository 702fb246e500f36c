-- Give a lease back; one that is lost already is left to its new holder.
-- KEYS: lock, owner   ARGV: owner
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[1], KEYS[2])
end
return 1
