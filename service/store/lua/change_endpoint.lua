-- change_endpoint: change a webhook endpoint, and switch it on or off.
-- KEYS: none, all are derived from the prefix: endpoint:* endpoint:*:deliveries tenant:*:listening row:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 endpoint  7 fields
-- Returns: {"1"}; fields is JSON: the fields that change, all strings
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock bell rows hooks
if clock_refuses() then return { -9 } end
local tenant, endpoint, fields = ARGV[5], ARGV[6], cjson.decode(ARGV[7])
local key = K.endpoint(endpoint)
local owner, enabled, url = unpack(redis.call('HMGET', key, 'tenant', 'enabled', 'url'))
if owner ~= tenant then return { -4 } end
-- What is known of an address does not count for the next one.
if fields.url and fields.url ~= url then redis.call('HDEL', key, 'failing_since', 'last_error') end
local switch = fields.enabled
fields.enabled = nil
for name, value in pairs(fields) do redis.call('HSET', key, name, value) end
redis.call('HSET', key, 'updated', ARGV[2])
if switch == '0' and enabled == '1' then
  switch_off(endpoint, tenant, 'manual', ARGV[2])
elseif switch == '1' and enabled ~= '1' then
  redis.call('HSET', key, 'enabled', '1')
  redis.call('HDEL', key, 'disabled_reason', 'disabled_at', 'disabled_since', 'failing_since', 'last_error')
  redis.call('SADD', K.listening(tenant), endpoint)
end
return { '1' }
