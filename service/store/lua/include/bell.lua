-- Doorbells: Celery messages that tell a worker to look at a row. Losing one loses nothing.
local BELL = [==[@doorbell@]==]
local BELLS_MOST = 5000
local function ring(queue, row, push)
  local key = K.queue(queue)
  if redis.call('LLEN', key) >= BELLS_MOST then return end
  local id = row .. '@' .. string.format('%.0f', now)
  local text = BELL:gsub('@row@', row):gsub('@id@', id):gsub('@queue@', key)
  redis.call(push or 'LPUSH', key, text)
end
