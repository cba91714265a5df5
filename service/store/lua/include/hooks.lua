-- Endpoints: who listens, what went to each, and their end.
local WOKEN_MOST = 1000
local function is_on(endpoint)
  return redis.call('HGET', K.endpoint(endpoint), 'enabled') == '1'
end
-- The list of what went to an endpoint: the newest `most`, kept for `log_ms` after the last. What
-- belongs to no job ends with its place there; everything else ends with its job.
local function list_delivery(endpoint, row, log_ms, most)
  local log = K.endpoint_deliveries(endpoint)
  redis.call('ZADD', log, ARGV[2], row)
  for _, old in ipairs(redis.call('ZRANGE', log, 0, -1 - tonumber(most))) do
    redis.call('ZREM', log, old)
    local job, line = unpack(redis.call('HMGET', K.row(old), 'job', 'account'))
    if job == '' then
      redis.call('ZREM', K.due, old)
      free_slot(old, line)
      redis.call('DEL', K.row(old))
    end
  end
  redis.call('PEXPIRE', log, log_ms)
end
-- What waits for its next try is looked at now, and finds that nothing more is wanted.
local function wake_deliveries(endpoint)
  for _, row in ipairs(redis.call('ZREVRANGE', K.endpoint_deliveries(endpoint), 0, WOKEN_MOST - 1)) do
    wake(row)
  end
end
-- `generation` tells deliveries of before from those after the endpoint was switched on again.
local function switch_off(endpoint, tenant, reason, since)
  redis.call('HSET', K.endpoint(endpoint), 'enabled', '0', 'disabled_reason', reason,
    'disabled_at', ARGV[2], 'disabled_since', since)
  redis.call('HINCRBY', K.endpoint(endpoint), 'generation', 1)
  redis.call('SREM', K.listening(tenant), endpoint)
  wake_deliveries(endpoint)
end
