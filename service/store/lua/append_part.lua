-- append_part: count a part that is on disk to its upload, which lives on for ttl_ms.
-- KEYS: none, all are derived from the prefix: arrival:* arrival:*:parts retention
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 upload  6 fence  7 part  8 size  9 most  10 ttl_ms
-- Returns: {the offset now}
-- Refuses: -4 GONE  -6 FENCED  -9 CLOCK  -13 LIMIT
-- @include keys clock
if clock_refuses() then return { -9 } end
local id = ARGV[5]
local held = redis.call('HGET', K.arrival(id), 'fence')
if not held then return { -4 } end
-- A client whose reply was lost sends the same call again: names of parts are used once.
if redis.call('LPOS', K.arrival_parts(id), ARGV[7], 'RANK', -1, 'MAXLEN', 100) then
  return { redis.call('HGET', K.arrival(id), 'offset') }
end
if held ~= ARGV[6] then return { -6 } end
if redis.call('LLEN', K.arrival_parts(id)) >= tonumber(ARGV[9]) then return { -13 } end
local expires = string.format('%.0f', now + ARGV[10])
redis.call('RPUSH', K.arrival_parts(id), ARGV[7])
local offset = redis.call('HINCRBY', K.arrival(id), 'offset', ARGV[8])
redis.call('HSET', K.arrival(id), 'expires', expires)
redis.call('PEXPIRE', K.arrival(id), ARGV[10])
redis.call('PEXPIRE', K.arrival_parts(id), ARGV[10])
redis.call('ZADD', K.retention, expires, 'parts:' .. id)
return { string.format('%.0f', offset) }
