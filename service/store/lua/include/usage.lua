-- What keys and tenants have used, by day (UTC): counters that end by themselves.
local USAGE_KEPT_MS, DAY_MS, MINUTE_MS = 3456000000, 86400000, 60000
local today = math.floor(now / DAY_MS)
local function count_use(tenant, api_key, counts)
  for _, owner in ipairs({ tenant, api_key }) do
    if owner and owner ~= '' then
      local key = K.usage(owner, string.format('%d', today))
      for field, amount in pairs(counts) do redis.call('HINCRBY', key, field, amount) end
      redis.call('PEXPIRE', key, USAGE_KEPT_MS)
    end
  end
end
-- Milliseconds until a key may have its next job accepted; 0 when it may now.
local function accept_wait_ms(use)
  local start, count = unpack(redis.call('HMGET', K.accepts(use.key), 'start', 'count'))
  if use.jobs_per_minute == 0 or not start then return 0 end
  local ends = tonumber(start) + MINUTE_MS
  if now >= ends or tonumber(count) < use.jobs_per_minute then return 0 end
  return ends - now
end
local function count_accept(use)
  if use.jobs_per_minute == 0 then return end
  local key = K.accepts(use.key)
  local start = redis.call('HGET', key, 'start')
  if not start or now >= tonumber(start) + MINUTE_MS then
    redis.call('HSET', key, 'start', ARGV[2], 'count', '0')
  end
  redis.call('HINCRBY', key, 'count', 1)
  redis.call('PEXPIRE', key, MINUTE_MS)
end
-- Credits of a key in this month: charged, and expected of its unfinished work.
local function month_credits(use)
  local sum = tonumber(redis.call('HGET', K.held, use.key) or '0')
  for day = use.month_first_day, today do
    sum = sum + tonumber(redis.call('HGET', K.usage(use.key, string.format('%d', day)), 'credits') or '0')
  end
  return sum
end
local function over_credits(use)
  return use.month_credits > 0 and month_credits(use) + use.credits > use.month_credits
end
-- Expect credits of a job, or of a row; `release_held` gives them back.
local function hold(thing, use)
  redis.call('HSET', thing, 'key', use.key, 'held', string.format('%d', use.credits))
  redis.call('HINCRBY', K.held, use.key, use.credits)
end
