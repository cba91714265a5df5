-- tick: look at rows that are due, put each off by its ring pause and ring for it where workers have room.
-- KEYS: none, all are derived from the prefix: due row:* rooms overdue:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 limit  6 ring_ms  7 ring_max_ms  8 worker  9 room_until_ms  10 rooms
-- Returns: {rows rung, rows put off, milliseconds the latest row is late, queues}; rooms is JSON: queue to free places of this worker, queues is JSON: queue to {late_ms, length, room}
-- Refuses: -9 CLOCK
-- @include keys clock bell rows
if clock_refuses() then return { -9 } end
for queue, free in pairs(cjson.decode(ARGV[10])) do
  redis.call('HSET', K.rooms, queue .. '|' .. ARGV[8], free .. '|' .. ARGV[9])
end
local room = {}
local said = redis.call('HGETALL', K.rooms)
for i = 1, #said, 2 do
  local free, till = said[i + 1]:match('^(%d+)|(%d+)')
  if tonumber(till) < now then
    redis.call('HDEL', K.rooms, said[i])
  else
    local queue = said[i]:match('^[^|]+')
    room[queue] = (room[queue] or 0) + tonumber(free)
  end
end
local looks, oldest = {}, {}
for _, queue in ipairs({ 'flow', 'transfer', 'media', 'hooks' }) do
  local length = redis.call('LLEN', K.queue(queue))
  looks[queue] = { 0, length, room[queue] or 0 }
  room[queue] = (room[queue] or 0) - length
  oldest[queue] = oldest_bell(queue)
end

local due = redis.call('ZRANGE', K.due, '-inf', ARGV[2], 'BYSCORE', 'LIMIT', 0, ARGV[5], 'WITHSCORES')
local rung = 0
for i = 1, #due, 2 do
  local row = due[i]
  local queue, rings, rung_at = unpack(redis.call('HMGET', K.row(row), 'queue', 'rings', 'rung'))
  if not queue then
    redis.call('ZREM', K.due, row)
  else
    -- Being put off makes a row no less late: it is overdue until somebody claims it.
    redis.call('ZADD', K.overdue(queue), 'NX', due[i + 1], row)
    local since = tonumber(redis.call('ZSCORE', K.overdue(queue), row))
    rung_at = tonumber(rung_at or '0')
    local pause = tonumber(ARGV[6])
    -- Its bell may still lie there: a second one would only take room.
    local has_bell = oldest[queue] > 0 and rung_at >= oldest[queue]
    -- Newer bells may fill the list for ever, but none of them makes a row wait that was due before.
    local missed = math.max(since, rung_at) < oldest[queue]
    if not has_bell and (room[queue] > 0 or missed) then
      pause = math.min(pause * 2 ^ math.min(tonumber(rings or '0'), 20), tonumber(ARGV[7]))
      room[queue] = room[queue] - 1
      rung = rung + 1
      redis.call('HINCRBY', K.row(row), 'rings', 1)
      ring(queue, row)
    end
    schedule(row, now + pause)
  end
end
-- The first overdue row that still waits for a worker; those claimed or ended since are forgotten.
local function first_late_ms(queue)
  for _ = 1, tonumber(ARGV[5]) do
    local first = redis.call('ZRANGE', K.overdue(queue), 0, 0, 'WITHSCORES')
    if not first[1] then return 0 end
    local open, lease, ready, at = unpack(redis.call('HMGET', K.row(first[1]), 'open', 'lease', 'ready', 'queue'))
    if open == '1' and at == queue and tonumber(lease) <= now and tonumber(ready) <= now then
      return now - tonumber(first[2])
    end
    redis.call('ZREM', K.overdue(queue), first[1])
  end
  return 0
end
local late = 0
for queue, look in pairs(looks) do
  look[1] = first_late_ms(queue)
  late = math.max(late, look[1])
end
return { rung, #due / 2 - rung, late, cjson.encode(looks) }
