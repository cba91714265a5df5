-- revoke_share: end a link to a job at once; it is listed as revoked as long as there is room.
-- KEYS: none, all are derived from the prefix: job:* job:*:shares
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 share
-- Returns: {"1", or "0" when it was revoked before}
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock shares
if clock_refuses() then return { -9 } end
local job, share, links = ARGV[6], ARGV[7], K.job_shares(ARGV[6])
if not is_there(job, ARGV[5]) then return { -4 } end
local link = read_share(links, share)
if not link then return { -4 } end
if link.revoked > 0 then return { '0' } end
redis.call('HSET', links, share, link.head .. ARGV[2])
return { '1' }
