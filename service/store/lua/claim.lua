-- claim: take a row: raise its fence and give it a lease, if it is ready, free and has a slot of its account.
-- KEYS: none, all are derived from the prefix: due row:* overdue:* account:*:slots account:*:waiting job:* endpoint:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 owner  7 lease_ms  8 grace_ms  9 look_ms  10 slots  11 tenant_slots
-- Returns: {fence, state, queue, doc, job, account, deadline_ms, crashes, cancel, resume, origin}
-- Refuses: -1 HELD  -2 NOT_YET  -3 WAITING  -4 GONE  -5 ENDED  -9 CLOCK
-- @include keys clock bell rows
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local key = K.row(row)
local open, lease, ready, after, account, slot, deadline, limit, cancel, queue = unpack(redis.call('HMGET', key,
  'open', 'lease', 'ready', 'after', 'account', 'slot', 'deadline', 'limit', 'cancel', 'queue'))
if not open then
  redis.call('ZREM', K.due, row)
  return { -4 }
end
if open ~= '1' then
  redis.call('ZREM', K.due, row)
  return { -5 }
end
lease, deadline = tonumber(lease), tonumber(deadline or '0')
if lease > 0 and now < lease + tonumber(ARGV[8]) then return { -1 } end
if tonumber(ready) > now then return { -2 } end

local function wait_for_other()
  local look = now + tonumber(ARGV[9])
  if deadline > 0 then look = math.min(look, deadline) end
  schedule(row, look)
  redis.call('ZREM', K.overdue(queue), row)
  return { -3 }
end
-- A row that is to end anyway (canceled, past its deadline) waits for nobody.
local ending = cancel == '1' or (deadline > 0 and deadline <= now)
if not ending then
  for other in after:gmatch('%S+') do
    if redis.call('HGET', K.row(other), 'open') == '1' then return wait_for_other() end
  end
end
if not ending and account ~= '' and slot ~= '1' then
  -- A delivery stands in the line of its endpoint, which may have a limit of its own.
  local most, tenant = unpack(redis.call('HMGET', K.endpoint(account), 'concurrency', 'tenant'))
  local free = stand_in(account, row, most or ARGV[10])
  -- And then in that of its tenant, who may have many endpoints.
  tenant = queue == 'hooks' and (tenant or account:match('^(ten_%w+)%.'))
  -- Once it stands there it stays in that line, also when its endpoint has been deleted.
  local crowd = redis.call('HGET', key, 'crowd') or (tenant and tenant .. '/hooks')
  if not free then
    if crowd and redis.call('ZREM', K.waiting(crowd), row) == 1 then wake_oldest(crowd) end
    return wait_for_other()
  end
  if crowd then
    redis.call('HSET', key, 'crowd', crowd)
    local left = stand_in(crowd, row, ARGV[11])
    if not left then return wait_for_other() end
    take_place(crowd, row, left)
  end
  redis.call('HSET', key, 'slot', '1')
  take_place(account, row, free)
end
if deadline == 0 and tonumber(limit or '0') > 0 then
  deadline = now + tonumber(limit)
  redis.call('HSET', key, 'deadline', string.format('%.0f', deadline))
end
local till = now + tonumber(ARGV[7])
local fence = redis.call('HINCRBY', key, 'fence', 1)
local crashes = redis.call('HINCRBY', key, 'crashes', 1)
redis.call('HSET', key, 'lease', string.format('%.0f', till), 'owner', ARGV[6], 'rings', '0')
schedule(row, till + tonumber(ARGV[8]))
redis.call('ZREM', K.overdue(queue), row)
local state, doc, job, resume, origin = unpack(redis.call('HMGET', key, 'state', 'doc', 'job', 'resume', 'origin'))
-- Which request this work goes back to: a message's own, else the job's.
origin = origin or (job ~= '' and redis.call('HGET', K.job(job), 'origin')) or ''
return { string.format('%d', fence), state, queue, doc, job, account,
  string.format('%.0f', deadline), string.format('%d', crashes), cancel or '0', resume or '0', origin }
