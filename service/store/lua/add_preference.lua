-- add_preference: note which variant somebody prefers; the last of them are kept, as long as the job.
-- KEYS: none, all are derived from the prefix: job:* job:*:shares job:*:preferences
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 share  8 most  9 doc
-- Returns: {"1", or "0" when it was noted before}; share is empty for the job's owner
-- Refuses: -4 GONE (the job, or the link; it has expired, was revoked or does not allow it)  -9 CLOCK  -14 FULL
-- @include keys clock full shares
if clock_refuses() then return { -9 } end
local job, share, noted = ARGV[6], ARGV[7], K.job_preferences(ARGV[6])
if not is_there(job, ARGV[5]) then return { -4 } end
if share ~= '' then
  local link = read_share(K.job_shares(job), share)
  if not link or link.revoked > 0 or link.expires <= now or not link.preferences then return { -4 } end
end
-- A client whose reply was lost sends the same call again; it has an id of its own.
if redis.call('LPOS', noted, ARGV[9]) then return { '0' } end
if nearly_full() then return { -14 } end
redis.call('RPUSH', noted, ARGV[9])
redis.call('LTRIM', noted, 0 - tonumber(ARGV[8]), -1)
live_as_long(noted, job)
return { '1' }
