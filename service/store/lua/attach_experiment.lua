-- attach_experiment: give a job its experiment, once; its plan never changes afterwards.
-- KEYS: none, all are derived from the prefix: job:* job:*:experiment
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 plan  8 digest
-- Returns: {"1", or "0" when it has this plan already; when it began}
-- Refuses: -4 GONE  -7 STATE (it has another plan)  -9 CLOCK  -14 FULL
-- @include keys clock full shares
if clock_refuses() then return { -9 } end
local job, book = ARGV[6], K.experiment(ARGV[6])
if not is_there(job, ARGV[5]) then return { -4 } end
local digest, started = unpack(redis.call('HMGET', book, 'digest', 'started'))
if digest == ARGV[8] then return { '0', started } end
if digest then return { -7 } end
if nearly_full() then return { -14 } end
redis.call('HSET', book, 'plan', ARGV[7], 'digest', ARGV[8], 'started', ARGV[2], 'records', '0')
live_as_long(book, job)
return { '1', ARGV[2] }
