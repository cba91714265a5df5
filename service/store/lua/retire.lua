-- retire: end what has outlived its time, jobs with all their keys, uploads that no job uses and those that never arrived whole, and name their files in the trash.
-- KEYS: none, all are derived from the prefix: retention trash job:* row:* evidence:* expired:* upload:* upload:*:jobs arrival:* arrival:*:parts tenant:*:jobs tenant:*:open
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 limit  6 remember_ms  7 uncounted_ms
-- Returns: {how many were looked at, how many of them ended}; remember_ms is how long an ended job's name is known, uncounted_ms how long an upload is kept whose jobs were not counted
-- Refuses: -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local function put_off(member, ms)
  redis.call('ZADD', K.retention, string.format('%.0f', now + ms), member)
end
local function free_upload(id, job)
  local counted = redis.call('SREM', K.upload_jobs(id), job) == 1
  if redis.call('EXISTS', K.upload(id), K.upload_jobs(id)) ~= 1 then return end
  if counted then
    put_off(id, 0)
  elseif redis.call('PTTL', K.upload(id)) == -1 and not redis.call('ZSCORE', K.retention, id) then
    put_off(id, tonumber(ARGV[7]))
  end
end
local function retire_upload(id)
  if redis.call('EXISTS', K.upload_jobs(id)) == 1 then return false end
  local file = redis.call('HGET', K.upload(id), 'file') or ('uploads/' .. id)
  redis.call('DEL', K.upload(id))
  redis.call('ZADD', K.trash, ARGV[2], file)
  return true
end
local function retire_row(row)
  local edits = redis.call('HGET', K.row(row), 'edits') or ''
  for edit in edits:gmatch('%S+') do redis.call('DEL', K.evidence(edit)) end
  redis.call('DEL', K.row(row))
end
local function retire_arrival(id)
  redis.call('DEL', K.arrival(id), K.arrival_parts(id))
  redis.call('ZADD', K.trash, ARGV[2], 'parts/' .. id)
  return true
end
local function retire_job(job)
  local tenant, open, expires, spec = unpack(redis.call('HMGET', K.job(job), 'tenant', 'open_rows', 'expires', 'spec'))
  if tenant then
    -- Something of it is open again: its time starts anew when that ends.
    if tonumber(open) > 0 or not expires then return false end
    for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do retire_row(row) end
    redis.call('DEL', K.job(job), K.job_rows(job), K.job_events(job), K.sessions(job))
    redis.call('ZREM', K.tenant_jobs(tenant), job)
    redis.call('SREM', K.tenant_open(tenant), job)
    redis.call('SET', K.expired(job), tenant, 'PX', ARGV[6])
    local asked = cjson.decode(spec)
    for _, named in ipairs({ asked.clips or {}, asked.assets or {} }) do
      for _, each in ipairs(named) do
        if each.upload_id then free_upload(each.upload_id, job) end
      end
    end
  end
  redis.call('ZADD', K.trash, ARGV[2], 'jobs/' .. job)
  return true
end

local over = redis.call('ZRANGE', K.retention, '-inf', ARGV[2], 'BYSCORE', 'LIMIT', 0, ARGV[5])
local ended = 0
for _, member in ipairs(over) do
  redis.call('ZREM', K.retention, member)
  local done
  if member:match('^upl_') then
    done = retire_upload(member)
  elseif member:match('^parts:') then
    done = retire_arrival(member:sub(7))
  else
    done = retire_job(member)
  end
  if done then ended = ended + 1 end
end
return { #over, ended }
