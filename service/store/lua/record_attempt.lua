-- record_attempt: write one try of a delivery, and either its next time or its end.
-- KEYS: none, all are derived from the prefix: row:* job:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 state  8 doc  9 next_ms
-- Returns: {"1"}; next_ms 0 ends the delivery
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder jobs
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
redis.call('HSET', K.row(row), 'state', ARGV[7], 'doc', ARGV[8], 'crashes', '0', 'lease', '0')
local job = redis.call('HGET', K.row(row), 'job')
-- 410: the receiver wants nothing more.
if ARGV[7] == 'disabled' then redis.call('HSET', K.job(job), 'hooks', '0') end
if ARGV[9] == '0' then
  close_row(row, job, '')
  expire_if_quiet(job)
else
  redis.call('HSET', K.row(row), 'ready', ARGV[9])
  schedule(row, tonumber(ARGV[9]))
end
return { '1' }
