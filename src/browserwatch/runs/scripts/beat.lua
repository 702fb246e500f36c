-- Say that an instance is alive, and take the requests for it.
-- KEYS: alive, instances, active runs of the instance, runs of it to cancel
-- ARGV: instance, ms until it is taken for dead, time to live of the rest in ms, then its active runs
-- Returns the runs to cancel.
redis.call('SET', KEYS[1], 1, 'PX', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
for at = 4, #ARGV do
  redis.call('SADD', KEYS[3], ARGV[at])
end
redis.call('PEXPIRE', KEYS[3], ARGV[3])
local cancelled = redis.call('SMEMBERS', KEYS[4])
redis.call('DEL', KEYS[4])
return cancelled
