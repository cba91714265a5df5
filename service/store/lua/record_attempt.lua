-- record_attempt: write one try of a delivery, and either its next time or its end; and what it tells of its endpoint.
-- KEYS: none, all are derived from the prefix: row:* job:* due endpoint:* endpoint:*:deliveries tenant:*:listening account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 state  8 doc  9 next_ms  10 kept_ms  11 health
-- Returns: {"1", "1" when the endpoint was switched off}; next_ms 0 ends the delivery, -1 is when it was due before somebody asked for this try; kept_ms is how long one of no job is kept; health is empty or JSON: endpoint, url, up, seen, since, error, off {reason, since, at_once, row, doc}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder jobs hooks
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local key = K.row(row)
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local job, line, planned, state, doc, lease = unpack(redis.call('HMGET', key, 'job', 'account', 'planned', 'state', 'doc', 'lease'))
-- A client whose reply was lost sends the same call again: each try changes what is remembered.
if lease == '0' and state == ARGV[7] and doc == ARGV[8] then return { '1', '0' } end
redis.call('HSET', key, 'state', ARGV[7], 'doc', ARGV[8], 'crashes', '0', 'lease', '0')
redis.call('HDEL', key, 'resume', 'planned')
-- 410: the receiver wants nothing more.
if ARGV[7] == 'disabled' and row:match('%.job$') then redis.call('HSET', K.job(job), 'hooks', '0') end
if ARGV[9] == '0' then
  close_row(row, job, line)
  if job == '' then redis.call('PEXPIRE', key, ARGV[10]) else expire_if_quiet(job) end
else
  local next_ms = tonumber(ARGV[9])
  if next_ms < 0 then next_ms = math.max(now, tonumber(planned or '0')) end
  redis.call('HSET', key, 'ready', string.format('%.0f', next_ms))
  free_slot(row, line)
  schedule(row, next_ms)
end

-- What is told of an endpoint counts for the address that was called, if that is still its own.
local function note_health(health)
  local endpoint = K.endpoint(health.endpoint)
  local on, url, since, tenant = unpack(redis.call('HMGET', endpoint, 'enabled', 'url', 'failing_since', 'tenant'))
  if url ~= health.url then return false end
  if health.up then
    redis.call('HDEL', endpoint, 'failing_since')
    redis.call('HSET', endpoint, 'delivered_last', ARGV[2])
    return false
  end
  redis.call('HSET', endpoint, 'last_error', health.error)
  if health.since ~= '' then redis.call('HSET', endpoint, 'failed_last', ARGV[2]) end
  -- Something else was written since the worker has looked, a success perhaps: that counts.
  local unchanged = (since or '') == health.seen
  if unchanged and health.since ~= '' then redis.call('HSET', endpoint, 'failing_since', health.since) end
  local off = health.off
  if on ~= '1' or not off or not (unchanged or off.at_once) then return false end
  switch_off(health.endpoint, tenant, off.reason, off.since)
  if redis.call('EXISTS', K.listening(tenant)) == 1 then
    create_row(off.row, '', { queue = 'hooks', state = 'pending', doc = off.doc })
  end
  return true
end
local ended = ARGV[11] ~= '' and note_health(cjson.decode(ARGV[11]))
return { '1', ended and '1' or '0' }
