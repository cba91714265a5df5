-- release: give a row back unfinished because its process ends: it is ready at once for whoever comes.
-- KEYS: none, all are derived from the prefix: due row:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence
-- Returns: {"1"}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local lease, queue = unpack(redis.call('HMGET', K.row(row), 'lease', 'queue'))
if tonumber(lease) == 0 then return { -6 } end
-- That the process ends is no fault of the row.
redis.call('HINCRBY', K.row(row), 'crashes', -1)
redis.call('HSET', K.row(row), 'lease', '0', 'ready', ARGV[2], 'rings', '0')
schedule(row, now)
ring(queue, row)
return { '1' }
