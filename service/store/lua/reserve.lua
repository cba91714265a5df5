-- reserve: set a whole job's estimated credits aside on its account before the first paid message, all or nothing.
-- KEYS: none, all are derived from the prefix: row:* job:* account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 amount  8 available
-- Returns: {credits reserved for the job}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -8 CREDITS  -9 CLOCK
-- @include keys clock bell rows holder
if clock_refuses() then return { -9 } end
local refusal = holder_refusal(ARGV[5], ARGV[6])
if refusal then return { refusal } end
local job, account = unpack(redis.call('HMGET', K.row(ARGV[5]), 'job', 'account'))
local already = redis.call('HGET', K.job(job), 'reserved_total')
if already then return { already } end
local others = tonumber(redis.call('HGET', K.account(account), 'reserved') or '0')
if others + tonumber(ARGV[7]) > tonumber(ARGV[8]) then return { -8, string.format('%d', others) } end
redis.call('HINCRBY', K.account(account), 'reserved', ARGV[7])
redis.call('HSET', K.job(job), 'reserved', ARGV[7], 'reserved_total', ARGV[7])
return { ARGV[7] }
