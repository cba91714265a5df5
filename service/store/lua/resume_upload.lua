-- resume_upload: give the right to send the rest of an upload to whoever asks last, or to join its parts to the first who asks.
-- KEYS: none, all are derived from the prefix: arrival:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 upload  6 tenant  7 offset  8 join_ms
-- Returns: {fence}; STATE tells the offset that it has
-- Refuses: -1 HELD  -4 GONE  -7 STATE  -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local key = K.arrival(ARGV[5])
local tenant, offset, length, joining = unpack(redis.call('HMGET', key, 'tenant', 'offset', 'length', 'joining'))
if tenant ~= ARGV[6] then return { -4 } end
if offset ~= ARGV[7] then return { -7, offset } end
if offset == length then
  if tonumber(joining or '0') > now then return { -1 } end
  redis.call('HSET', key, 'joining', string.format('%.0f', now + ARGV[8]))
end
return { tostring(redis.call('HINCRBY', key, 'fence', 1)) }
