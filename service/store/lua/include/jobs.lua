-- Jobs: their events in one list with a sequence, their status, and the end of their life.
local ENDED = { succeeded = 1, partial = 1, failed = 1, canceled = 1, expired = 1 }
-- Whether events of a job go anywhere: to its own webhook, or to endpoints of its tenant.
local function is_heard(job)
  local hooks, tenant = unpack(redis.call('HMGET', K.job(job), 'hooks', 'tenant'))
  return hooks == '1' or redis.call('EXISTS', K.listening(tenant)) == 1
end
-- Append one event. Its body is frozen here: the sequence is written into it, nothing else.
local function append_event(job, body)
  local sequence = redis.call('HINCRBY', K.job(job), 'sequence', 1)
  local at = string.format('%d', sequence)
  redis.call('RPUSH', K.job_events(job), '{"sequence":' .. at .. ',' .. string.sub(body, 2))
  if is_heard(job) then
    create_row('event:' .. job .. '.' .. at, job, { queue = 'hooks', state = 'pending' })
  end
end
local function set_status(job, status)
  redis.call('HSET', K.job(job), 'status', status, 'updated', ARGV[2])
end
-- A job's status follows from its cuts: `open_cuts` not ended, `paused` of them waiting for a person.
local function settle_status(job)
  local status, open, paused = unpack(redis.call('HMGET', K.job(job), 'status', 'open_cuts', 'paused'))
  if not status or ENDED[status] then return end
  open, paused = tonumber(open), tonumber(paused)
  if open == 0 then
    if status ~= 'canceling' then set_status(job, 'comparing') end
    create_row('finish:' .. job, job, { queue = 'media', state = 'pending' })
  elseif status ~= 'canceling' then
    set_status(job, paused > 0 and 'action_required' or 'running')
  end
end
-- What was set aside for a job and not charged goes back to its account.
local function release_reserved(job)
  local account, reserved = unpack(redis.call('HMGET', K.job(job), 'account', 'reserved'))
  if tonumber(reserved or '0') == 0 then return end
  redis.call('HINCRBY', K.account(account), 'reserved', 0 - tonumber(reserved))
  redis.call('HSET', K.job(job), 'reserved', '0')
end
-- An ended job pays for nothing more once no revision of it is open; its events may be for days.
local function release_after_cuts(job)
  if not ENDED[redis.call('HGET', K.job(job), 'status')] then return end
  for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
    if row:match('^cut:') and redis.call('HGET', K.row(row), 'open') == '1' then return end
  end
  release_reserved(job)
end
-- The keys of a job beside its rows.
local function keys_of(job)
  local keys = { K.job(job), K.job_rows(job), K.job_events(job), K.sessions(job), K.job_shares(job),
    K.job_preferences(job), K.plan(job), K.job_public_keys(job) }
  for _, id in ipairs(redis.call('SMEMBERS', K.job_public_keys(job))) do
    keys[#keys + 1] = K.public_key(id)
  end
  return keys
end
-- A job's keys live for `ttl` after it has ended and nothing of it is open any more. `retire` ends
-- them together with their files; a day later Redis would do it alone.
local UNSWEPT_MS = 86400000
local function expire_if_quiet(job)
  local status, open, ttl, warn, told, expires =
    unpack(redis.call('HMGET', K.job(job), 'status', 'open_rows', 'ttl', 'warn', 'told', 'expires'))
  if not status or not ENDED[status] or tonumber(open) > 0 then return end
  release_reserved(job)
  -- Only the news of its end was open, which does not prolong its life.
  local till = told == '1' and tonumber(expires) or now + tonumber(ttl)
  redis.call('HSET', K.job(job), 'expires', string.format('%.0f', till))
  redis.call('ZADD', K.retention, string.format('%.0f', till), job)
  if warn and told ~= '1' then
    redis.call('ZADD', K.expiring, string.format('%.0f', till - tonumber(warn)), job)
  end
  local unswept = string.format('%.0f', till - now + UNSWEPT_MS)
  for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
    redis.call('PEXPIRE', K.row(row), unswept)
  end
  for _, key in ipairs(keys_of(job)) do
    redis.call('PEXPIRE', key, unswept)
  end
end
-- A job that has ended is worked on again: its keys are kept until that has ended too.
local function keep_again(job)
  redis.call('ZREM', K.retention, job)
  redis.call('ZREM', K.expiring, job)
  redis.call('HDEL', K.job(job), 'expires', 'told')
  for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
    redis.call('PERSIST', K.row(row))
  end
  for _, key in ipairs(keys_of(job)) do
    redis.call('PERSIST', key)
  end
end
