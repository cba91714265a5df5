-- begin_plan: note with a job that its experiment has begun to count; idempotent, and nothing once it is closed.
-- KEYS: none, all are derived from the prefix: job:* row:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job
-- Returns: {"1" when it is noted, else "0"}
-- Refuses: -4 GONE  -7 STATE (the job has no experiment)  -9 CLOCK
-- @include keys clock bell rows jobs shares
if clock_refuses() then return { -9 } end
local job = ARGV[6]
if not is_there(job, ARGV[5]) then return { -4 } end
local open = redis.call('HGET', K.row('experiment:' .. job), 'open')
if not open then return { -7 } end
if open ~= '1' then return { '0' } end
redis.call('HSET', K.job(job), 'experiment', 'running')
return { '1' }
