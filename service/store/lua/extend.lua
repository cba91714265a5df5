-- extend: renew the lease of one row, also an expired one whose fence nobody has raised.
-- KEYS: none, all are derived from the prefix: due row:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 lease_ms  8 grace_ms
-- Returns: {"1", cancel}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local lease, cancel = unpack(redis.call('HMGET', K.row(row), 'lease', 'cancel'))
if tonumber(lease) == 0 then return { -6 } end
local till = now + tonumber(ARGV[7])
redis.call('HSET', K.row(row), 'lease', string.format('%.0f', till))
schedule(row, till + tonumber(ARGV[8]))
return { '1', cancel or '0' }
