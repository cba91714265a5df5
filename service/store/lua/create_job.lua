-- create_job: accept a job in one write: idempotency, quota, uploads, job, rows, event, doorbells.
-- KEYS: none, all are derived from the prefix: idempotency:* tenant:*:open tenant:*:jobs tenant:* upload:* upload:*:jobs job:* job:*:plan row:* due retention usage:* accepts:* key-open:* held
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 idempotency_key  8 fingerprint  9 idempotency_ttl_ms  10 quota  11 account  12 change
-- Returns: {job id, "0" or "1" when an earlier request is replayed}; change is JSON: spec, ttl_ms (the tenant's own may be shorter), warn_ms, hooks, cuts, rows, uploads, event, retry_of, origin, use, plan and digest of an experiment, rehearse (write nothing)
-- Refuses: -9 CLOCK  -10 KEY_REUSED  -11 UPLOAD_GONE  -12 QUOTA  -14 FULL  -15 RATE  -16 KEY_JOBS  -17 KEY_CREDITS
-- @include keys clock full bell rows jobs usage
if clock_refuses() then return { -9 } end
local tenant, job, change = ARGV[5], ARGV[6], cjson.decode(ARGV[12])
local memory = K.idempotency(tenant, ARGV[7])
if ARGV[7] ~= '' then
  local fingerprint, known = unpack(redis.call('HMGET', memory, 'fingerprint', 'job'))
  if fingerprint then
    if fingerprint ~= ARGV[8] or not known then return { -10 } end
    return { known, known == job and '0' or '1' }
  end
end
-- A client whose reply was lost sends the same call again.
if redis.call('EXISTS', K.job(job)) == 1 then return { job, '0' } end
if nearly_full() then return { -14 } end
for _, upload in ipairs(change.uploads) do
  if redis.call('HGET', K.upload(upload), 'tenant') ~= tenant then return { -11, upload } end
end
if redis.call('SCARD', K.tenant_open(tenant)) >= tonumber(ARGV[10]) then return { -12 } end
local use = change.use
local limited = use and use.key ~= ''
if limited then
  local wait_ms = accept_wait_ms(use)
  if wait_ms > 0 then return { -15, string.format('%d', wait_ms) } end
  if use.open_jobs > 0 and redis.call('SCARD', K.key_open(use.key)) >= use.open_jobs then return { -16 } end
  if over_credits(use) then return { -17, string.format('%d', month_credits(use)) } end
end
if change.rehearse then return { job, '0' } end

if ARGV[7] ~= '' then
  redis.call('HSET', memory, 'fingerprint', ARGV[8], 'job', job)
  redis.call('PEXPIRE', memory, ARGV[9])
end
local own_ttl = tonumber(redis.call('HGET', K.tenant(tenant), 'job_ttl') or change.ttl_ms)
local ttl = math.min(own_ttl, change.ttl_ms)
redis.call('HSET', K.job(job), 'tenant', tenant, 'account', ARGV[11], 'status', 'queued',
  'created', ARGV[2], 'updated', ARGV[2], 'spec', change.spec, 'sequence', '0',
  'open_cuts', string.format('%d', change.cuts), 'paused', '0', 'open_rows', '0',
  'hooks', change.hooks and '1' or '0', 'ttl', string.format('%.0f', ttl))
if ttl > change.warn_ms then
  redis.call('HSET', K.job(job), 'warn', string.format('%.0f', change.warn_ms))
end
if change.retry_of then redis.call('HSET', K.job(job), 'retry_of', change.retry_of) end
if change.origin then redis.call('HSET', K.job(job), 'origin', change.origin) end
if change.plan then
  redis.call('HSET', K.plan(job), 'plan', change.plan, 'digest', change.digest, 'at', ARGV[2])
  redis.call('HSET', K.job(job), 'experiment', 'waiting')
end
redis.call('SADD', K.tenant_open(tenant), job)
redis.call('ZADD', K.tenant_jobs(tenant), ARGV[2], job)
for _, upload in ipairs(change.uploads) do
  redis.call('PERSIST', K.upload(upload))
  redis.call('SADD', K.upload_jobs(upload), job)
  redis.call('ZREM', K.retention, upload)
end
if limited then
  count_accept(use)
  hold(K.job(job), use)
  redis.call('SADD', K.key_open(use.key), job)
end
if use then count_use(tenant, use.key, { jobs = 1, cuts = change.cuts }) end
append_event(job, change.event)
for _, spec in ipairs(change.rows) do create_row(spec.row, job, spec) end
return { job, '0' }
