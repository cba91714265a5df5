-- Doorbells: Celery messages that tell a worker to look at a row. Losing one loses nothing.
local BELL = [==[@doorbell@]==]
local BELLS_MOST = 5000
-- A row keeps when it was last rung for: bells are taken in this order, so a later one at the front
-- of the list says that this one is gone.
local function ring(queue, row)
  local key = K.queue(queue)
  if redis.call('LLEN', key) >= BELLS_MOST then return end
  local at = string.format('%.0f', now)
  local id = row .. '@' .. at
  local text = BELL:gsub('@row@', row):gsub('@id@', id):gsub('@queue@', key)
  redis.call('LPUSH', key, text)
  redis.call('HSET', K.row(row), 'rung', at)
end
-- When the bell that is taken next was rung; 0 where the list is empty.
local function oldest_bell(queue)
  local text = redis.call('LINDEX', K.queue(queue), -1) or ''
  return tonumber(text:match('"id":"[^"]*@(%d+)"') or '0')
end
