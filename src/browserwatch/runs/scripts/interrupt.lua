-- Replace a record that nobody has changed since it was read: an owner that is alive after all wins.
-- KEYS: record   ARGV: record as it was read, new record, time to live in ms
-- Returns 1, or 0 when it was changed.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
