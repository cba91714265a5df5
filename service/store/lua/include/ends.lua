-- The end of jobs: all their keys go in one write, and their files are named in the trash.
local function put_off(member, ms)
  redis.call('ZADD', K.retention, string.format('%.0f', now + ms), member)
end
-- One job less uses an upload; `uncounted_ms` is how long one is kept whose jobs were not counted.
local function free_upload(id, job, uncounted_ms)
  local counted = redis.call('SREM', K.upload_jobs(id), job) == 1
  if redis.call('EXISTS', K.upload(id), K.upload_jobs(id)) ~= 1 then return end
  if counted then
    put_off(id, 0)
  elseif redis.call('PTTL', K.upload(id)) == -1 and not redis.call('ZSCORE', K.retention, id) then
    put_off(id, uncounted_ms)
  end
end
local function end_public_keys(job)
  for _, id in ipairs(redis.call('SMEMBERS', K.job_public_keys(job))) do
    redis.call('DEL', K.public_key(id))
  end
  redis.call('DEL', K.job_public_keys(job))
end
-- Its name alone is known for `remember_ms`, so that its address can say that it was there.
local function end_job(job, tenant, spec, remember_ms, uncounted_ms)
  for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
    for edit in (redis.call('HGET', K.row(row), 'edits') or ''):gmatch('%S+') do
      redis.call('DEL', K.evidence(edit))
    end
    redis.call('ZREM', K.due, row)
    free_slot(row, redis.call('HGET', K.row(row), 'account') or '')
    redis.call('DEL', K.row(row))
  end
  redis.call('DEL', K.job(job), K.job_rows(job), K.job_events(job), K.sessions(job), K.job_shares(job),
    K.job_preferences(job))
  end_public_keys(job)
  -- What was counted of an experiment may lie in another Redis: whoever empties the trash ends it.
  if redis.call('DEL', K.plan(job)) == 1 then redis.call('ZADD', K.trash, ARGV[2], 'experiments/' .. job) end
  redis.call('ZREM', K.tenant_jobs(tenant), job)
  redis.call('SREM', K.tenant_open(tenant), job)
  redis.call('ZREM', K.retention, job)
  redis.call('ZREM', K.expiring, job)
  redis.call('SET', K.expired(job), tenant, 'PX', remember_ms)
  local asked = cjson.decode(spec)
  for _, named in ipairs({ asked.clips or {}, asked.assets or {} }) do
    for _, each in ipairs(named) do
      if each.upload_id then free_upload(each.upload_id, job, uncounted_ms) end
    end
  end
  redis.call('ZADD', K.trash, ARGV[2], 'jobs/' .. job)
end
