-- Prolong a lease; one that ran out is taken up again, unless somebody else took the session or deleted it since.
-- KEYS: lock, owner   ARGV: owner, lease in ms, memory of the owner in ms
-- Returns 1, or 0 when the lease is lost.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
