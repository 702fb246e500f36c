-- Write a run as it is now and the events that are not there yet. The same call twice changes nothing more.
-- KEYS: record, events, index of the tenant, and the claim of an idempotency key, if there is one
-- ARGV: id, record, time to live in ms, id that is older than all to keep, events to keep, claim, its time in ms,
--   number of the last event that should be there, then number and event, one pair each
-- Returns 1; or the claim of the run that has the idempotency key, or minus the number of the last event that is there,
-- when one is missing between that and the new ones: then nothing was written.
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local written = last[1] and tonumber(string.match(last[1][1], '^%d+')) or 0
if written < tonumber(ARGV[8]) then
  return -written
end
if KEYS[4] then
  local claimed = redis.call('GET', KEYS[4])
  if claimed and claimed ~= ARGV[6] then
    return claimed
  end
  redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
-- Ids begin with their time, and all have one score, so the index is in order of creation.
redis.call('ZREMRANGEBYLEX', KEYS[3], '-', '(' .. ARGV[4])
redis.call('ZADD', KEYS[3], 0, ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
for at = 9, #ARGV, 2 do
  if tonumber(ARGV[at]) > written then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], ARGV[at] .. '-0', 'event', ARGV[at + 1])
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
