-- warn: tell once that an ended job goes soon; that neither prolongs its life nor begins it anew.
-- KEYS: none, all are derived from the prefix: expiring row:* job:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 job  6 expires_ms  7 event
-- Returns: {"1", or "0" when it goes on, was told before, has gone or ends at another time}
-- Refuses: -9 CLOCK
-- @include keys clock bell rows jobs
if clock_refuses() then return { -9 } end
local job = ARGV[5]
local expires, told = unpack(redis.call('HMGET', K.job(job), 'expires', 'told'))
-- It has ended anew since it was looked at: then it has a new place among those to be told.
if expires and expires ~= ARGV[6] then return { '0' } end
redis.call('ZREM', K.expiring, job)
if not expires or told == '1' or tonumber(expires) <= now then return { '0' } end
redis.call('HSET', K.job(job), 'told', '1')
append_event(job, ARGV[7])
return { '1' }
