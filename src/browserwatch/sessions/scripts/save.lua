-- Write a session, if the writer is the last one that leased it. The check and the write are one step.
-- KEYS: session, owner, index of the tenant
-- ARGV: owner, time to live in ms, name, envelope, number of cookies, number of origins
-- Returns {created, saved, expires} in ms since 1970 by Redis's clock, or false when the writer is stale.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return false
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local saved = string.format('%.0f', now)
local expires = string.format('%.0f', now + ARGV[2])
redis.call('HSETNX', KEYS[1], 'created', saved)
redis.call('HSET', KEYS[1], 'saved', saved, 'expires', expires, 'size', #ARGV[4],
  'cookies', ARGV[5], 'origins', ARGV[6], 'envelope', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], expires)
-- The index forgets what has expired, and itself expires with the last of its sessions.
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', saved)
redis.call('ZADD', KEYS[3], expires, ARGV[3])
local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[3], string.format('%.0f', tonumber(last[2])))
return {redis.call('HGET', KEYS[1], 'created'), saved, expires}
