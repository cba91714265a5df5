-- replay: try a delivery once more because somebody asks; one that waits for its next try keeps its schedule.
-- KEYS: none, all are derived from the prefix: endpoint:* row:* job:* due retention
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 endpoint  7 row
-- Returns: {"asked", or "busy" when it is being tried or was asked for already}
-- Refuses: -4 GONE  -7 STATE (the endpoint is switched off)  -9 CLOCK
-- @include keys clock bell rows jobs hooks
if clock_refuses() then return { -9 } end
local endpoint, row = ARGV[6], ARGV[7]
local key = K.row(row)
if redis.call('HGET', K.endpoint(endpoint), 'tenant') ~= ARGV[5] then return { -4 } end
local open, job, lease, ready, resume, queue = unpack(redis.call('HMGET', key, 'open', 'job', 'lease', 'ready', 'resume', 'queue'))
if not open or not row:match('^delivery:') then return { -4 } end
if not is_on(endpoint) then return { -7 } end
if open == '1' then
  if resume == '1' or tonumber(lease) > now then return { 'busy' } end
  redis.call('HSET', key, 'resume', '1', 'planned', ready)
  wake(row)
  return { 'asked' }
end
if job == '' then
  redis.call('PERSIST', key)
else
  local status, expires = unpack(redis.call('HMGET', K.job(job), 'status', 'expires'))
  if not status or (expires and tonumber(expires) <= now) then return { -4 } end
  if ENDED[status] then keep_again(job) end
  redis.call('HINCRBY', K.job(job), 'open_rows', 1)
end
redis.call('HSET', key, 'open', '1', 'state', 'replaying', 'resume', '1', 'ready', ARGV[2],
  'rings', '0', 'crashes', '0', 'lease', '0')
schedule(row, now)
ring(queue, row)
return { 'asked' }
