-- revoke_public_key: end a viewers' key; it is listed as revoked as long as there is room.
-- KEYS: none, all are derived from the prefix: job:* job:*:pubkeys pubkey:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 key
-- Returns: {"1", or "0" when it was revoked before}
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock shares
if clock_refuses() then return { -9 } end
local job, key = ARGV[6], K.public_key(ARGV[7])
if not is_there(job, ARGV[5]) then return { -4 } end
if redis.call('SISMEMBER', K.job_public_keys(job), ARGV[7]) == 0 then return { -4 } end
if redis.call('HGET', key, 'revoked') ~= '0' then return { '0' } end
redis.call('HSET', key, 'revoked', ARGV[2])
return { '1' }
