-- delete_job: end an ended job at its owner's wish, with all its keys; name its files in the trash; idempotent.
-- KEYS: none, all are derived from the prefix: retention expiring trash due job:* row:* evidence:* account:* expired:* upload:* upload:*:jobs tenant:*:jobs tenant:*:open
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 remember_ms  8 uncounted_ms  9 force
-- Returns: {"1", or "0" when it was gone before}; remember_ms and uncounted_ms as those of retire
-- Refuses: -4 GONE  -7 STATE (with the status: it has not ended, or a revision of it is under way; or `experiment` while one runs)  -9 CLOCK
-- @include keys clock bell rows jobs ends
if clock_refuses() then return { -9 } end
local tenant, job = ARGV[5], ARGV[6]
local owner, status, spec = unpack(redis.call('HMGET', K.job(job), 'tenant', 'status', 'spec'))
if not owner then
  local known = redis.call('GET', K.expired(job)) == tenant or redis.call('ZSCORE', K.tenant_jobs(tenant), job)
  if known then return { '0' } end
end
if owner ~= tenant then return { -4 } end
if not ENDED[status] then return { -7, status } end
-- What is still to be told of it is dropped with it; paid work is not, a running experiment by force.
for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
  local kind = row:match('^[^:]+')
  local told = kind == 'event' or kind == 'delivery'
  if not told and redis.call('HGET', K.row(row), 'open') == '1' then
    if kind ~= 'experiment' then return { -7, status } end
    if ARGV[9] ~= '1' then return { -7, kind } end
  end
end
release_reserved(job)
end_job(job, tenant, spec, ARGV[7], tonumber(ARGV[8]))
return { '1' }
