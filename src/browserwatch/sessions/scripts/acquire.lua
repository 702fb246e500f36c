-- Lease a session that nobody holds.
-- KEYS: lock, owner, fences of the tenant   ARGV: token, lease in ms, memory of the owner in ms
-- Returns the fence, or minus the ms until the present lease runs out.
local left = redis.call('PTTL', KEYS[1])
if left ~= -2 then
  return -math.max(left, 1)
end
local fence = redis.call('INCR', KEYS[3])
local owner = string.format('%d:%s', fence, ARGV[1])
redis.call('SET', KEYS[1], owner, 'PX', ARGV[2])
redis.call('SET', KEYS[2], owner, 'PX', ARGV[3])
return fence
