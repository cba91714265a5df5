-- attach_plan: give a job the plan of its experiment, once, and a row that looks at it; its plan never changes afterwards.
-- KEYS: none, all are derived from the prefix: job:* job:*:plan row:* due retention expiring
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 plan  8 digest
-- Returns: {"1", or "0" when it has this plan already}
-- Refuses: -4 GONE  -7 STATE (it has another plan)  -9 CLOCK  -14 FULL
-- @include keys clock full bell rows jobs shares
if clock_refuses() then return { -9 } end
local job = ARGV[6]
if not is_there(job, ARGV[5]) then return { -4 } end
local digest = redis.call('HGET', K.plan(job), 'digest')
if digest == ARGV[8] then return { '0' } end
if digest then return { -7 } end
if nearly_full() then return { -14 } end
-- An ended job is kept until its experiment is over: its row is open so long.
if ENDED[redis.call('HGET', K.job(job), 'status')] then keep_again(job) end
redis.call('HSET', K.plan(job), 'plan', ARGV[7], 'digest', ARGV[8], 'at', ARGV[2])
redis.call('HSET', K.job(job), 'experiment', 'waiting')
create_row('experiment:' .. job, job, { queue = 'media', state = 'waiting' })
return { '1' }
