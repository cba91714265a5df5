-- create_share: enter a link that shows a job for a time; its record lives as long as the job.
-- KEYS: none, all are derived from the prefix: job:* job:*:shares
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 share  8 most  9 doc
-- Returns: {"1"}; doc is `<created>|<expires>|<preferences>|<key>|<revoked>`, times in milliseconds
-- Refuses: -4 GONE  -9 CLOCK  -12 QUOTA  -14 FULL
-- @include keys clock full shares
if clock_refuses() then return { -9 } end
local job, share, links = ARGV[6], ARGV[7], K.job_shares(ARGV[6])
if not is_there(job, ARGV[5]) then return { -4 } end
-- A client whose reply was lost sends the same call again.
if redis.call('HEXISTS', links, share) == 1 then return { '1' } end
if nearly_full() then return { -14 } end
if redis.call('HLEN', links) >= tonumber(ARGV[8]) then
  local over = ended_first(links)
  if not over then return { -12 } end
  redis.call('HDEL', links, over)
end
redis.call('HSET', links, share, ARGV[9])
live_as_long(links, job)
return { '1' }
