-- retire: end what has outlived its time, jobs with all their keys, uploads that no job uses and those that never arrived whole, and name their files in the trash.
-- KEYS: none, all are derived from the prefix: retention expiring trash due job:* row:* evidence:* account:* expired:* upload:* upload:*:jobs arrival:* arrival:*:parts tenant:*:jobs tenant:*:open
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 limit  6 remember_ms  7 uncounted_ms
-- Returns: {how many were looked at, how many of them ended}; remember_ms is how long an ended job's name is known, uncounted_ms how long an upload is kept whose jobs were not counted
-- Refuses: -9 CLOCK
-- @include keys clock bell rows ends
if clock_refuses() then return { -9 } end
local function retire_upload(id)
  if redis.call('EXISTS', K.upload_jobs(id)) == 1 then return false end
  local file = redis.call('HGET', K.upload(id), 'file') or ('uploads/' .. id)
  redis.call('DEL', K.upload(id))
  redis.call('ZADD', K.trash, ARGV[2], file)
  return true
end
local function retire_arrival(id)
  redis.call('DEL', K.arrival(id), K.arrival_parts(id))
  redis.call('ZADD', K.trash, ARGV[2], 'parts/' .. id)
  return true
end
local function retire_job(job)
  local tenant, open, expires, told, spec = unpack(redis.call('HMGET', K.job(job), 'tenant', 'open_rows', 'expires', 'told', 'spec'))
  if tenant then
    -- Something of it is open again: its time starts anew when that ends. The news of its own end
    -- does not hold it back.
    if (tonumber(open) > 0 and told ~= '1') or not expires then return false end
    end_job(job, tenant, spec, ARGV[6], tonumber(ARGV[7]))
  else
    -- Redis has ended its keys, but not what may have been counted of it elsewhere.
    redis.call('ZADD', K.trash, ARGV[2], 'experiments/' .. job)
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
