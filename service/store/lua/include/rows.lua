-- Rows: a hash with the engine's fields, and one entry in the due set while it is open.
local function schedule(row, at)
  redis.call('ZADD', K.due, string.format('%.0f', at), row)
end
-- Make a row ready now and ring for it, unless somebody works on it or it has ended.
local function wake(row)
  local open, lease, queue = unpack(redis.call('HMGET', K.row(row), 'open', 'lease', 'queue'))
  if open ~= '1' then return end
  redis.call('HSET', K.row(row), 'ready', ARGV[2], 'rings', '0')
  if tonumber(lease or '0') > now then return end
  schedule(row, now)
  ring(queue, row)
end
local function create_row(row, job, spec)
  if redis.call('EXISTS', K.row(row)) == 1 then return false end
  redis.call('HSET', K.row(row), 'queue', spec.queue, 'state', spec.state, 'open', '1',
    'fence', '0', 'lease', '0', 'ready', ARGV[2], 'rings', '0', 'crashes', '0',
    'job', job, 'account', spec.account or '', 'slot', '0', 'after', spec.after or '',
    'limit', string.format('%.0f', spec.limit_ms or 0), 'doc', spec.doc or '{}')
  if job ~= '' then redis.call('SADD', K.job_rows(job), row) end
  if job ~= '' then redis.call('HINCRBY', K.job(job), 'open_rows', 1) end
  if spec.look_ms then
    schedule(row, now + spec.look_ms)
  else
    schedule(row, now)
    ring(spec.queue, row)
  end
  return true
end
local function wake_oldest(account)
  local oldest = redis.call('ZRANGE', K.waiting(account), 0, 0)[1]
  if oldest then wake(oldest) end
end
-- Stand in a line that has `most` slots: how many are free when it is the row's turn, else nil.
local function stand_in(line, row, most)
  redis.call('ZADD', K.waiting(line), 'NX', ARGV[2], row)
  local free = tonumber(most) - redis.call('SCARD', K.slots(line))
  return redis.call('ZRANK', K.waiting(line), row) < free and free or nil
end
local function take_place(line, row, free)
  redis.call('ZREM', K.waiting(line), row)
  redis.call('SADD', K.slots(line), row)
  -- Several slots may have become free while only the oldest was woken.
  if free > 1 then wake_oldest(line) end
end
-- Give a row's slot, or its place in the line, back and wake whoever has waited longest.
local function free_slot(row, account)
  if account == '' then return end
  local crowd = redis.call('HGET', K.row(row), 'crowd')
  if crowd and redis.call('ZREM', K.waiting(crowd), row) + redis.call('SREM', K.slots(crowd), row) > 0 then
    wake_oldest(crowd)
  end
  local left = redis.call('ZREM', K.waiting(account), row) + redis.call('SREM', K.slots(account), row)
  -- Its edit was never booked: what goes from the account may still be its own.
  if redis.call('SREM', K.editing(account), row) == 1 then
    redis.call('HSET', K.account(account), 'doubt', '1')
  end
  redis.call('HSET', K.row(row), 'slot', '0')
  if left > 0 then wake_oldest(account) end
end
-- Credits that a job or a row was expected to cost its key: given back as they are charged, or all.
local function release_held(thing, charged)
  local held, api_key = unpack(redis.call('HMGET', thing, 'held', 'key'))
  held = tonumber(held or '0')
  if held == 0 then return end
  local part = math.min(held, charged or held)
  redis.call('HSET', thing, 'held', string.format('%d', held - part))
  if redis.call('HINCRBY', K.held, api_key, 0 - part) <= 0 then redis.call('HDEL', K.held, api_key) end
end
local function close_row(row, job, account)
  redis.call('ZREM', K.due, row)
  redis.call('HSET', K.row(row), 'open', '0', 'lease', '0')
  free_slot(row, account)
  release_held(K.row(row))
  if job ~= '' then redis.call('HINCRBY', K.job(job), 'open_rows', -1) end
end
