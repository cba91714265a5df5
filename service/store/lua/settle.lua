-- settle: book the real charge of one edit and release what was set aside for it.
-- KEYS: none, all are derived from the prefix: row:* job:* account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 edit  8 charge  9 release
-- Returns: {credits still reserved for the job}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder
if clock_refuses() then return { -9 } end
local refusal = holder_refusal(ARGV[5], ARGV[6])
if refusal then return { refusal } end
local job, account = unpack(redis.call('HMGET', K.row(ARGV[5]), 'job', 'account'))
local reserved = tonumber(redis.call('HGET', K.job(job), 'reserved') or '0')
if redis.call('HSETNX', K.job(job), 'settled:' .. ARGV[7], ARGV[8]) == 0 then
  return { string.format('%d', reserved) }
end
local release = math.min(reserved, tonumber(ARGV[9]))
redis.call('HINCRBY', K.account(account), 'reserved', 0 - release)
redis.call('HINCRBY', K.job(job), 'charged', ARGV[8])
return { string.format('%d', redis.call('HINCRBY', K.job(job), 'reserved', 0 - release)) }
