-- close_experiment: end the experiment of a job: its event is created once, and its job kept for a while from then on.
-- KEYS: none, all are derived from the prefix: job:* job:*:plan row:* due retention expiring
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 state  8 keep_ms  9 event
-- Returns: {"1" when it was closed now, else "0"}
-- Refuses: -4 GONE  -7 STATE (the job has no experiment)  -9 CLOCK
-- @include keys clock bell rows jobs shares
if clock_refuses() then return { -9 } end
local job, row = ARGV[6], 'experiment:' .. ARGV[6]
if not is_there(job, ARGV[5]) then return { -4 } end
local open = redis.call('HGET', K.row(row), 'open')
if not open then return { -7 } end
if open ~= '1' then return { '0' } end
local ttl = tonumber(redis.call('HGET', K.job(job), 'ttl'))
redis.call('HSET', K.job(job), 'experiment', ARGV[7],
  'ttl', string.format('%.0f', math.max(ttl, tonumber(ARGV[8]))))
redis.call('HSET', K.plan(job), 'closed', ARGV[2], 'end', ARGV[7])
redis.call('HSET', K.row(row), 'state', ARGV[7])
append_event(job, ARGV[9])
close_row(row, job, '')
expire_if_quiet(job)
return { '1' }
