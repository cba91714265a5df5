-- drop_endpoint: delete a webhook endpoint with its secrets; what is on its way to it ends.
-- KEYS: none, all are derived from the prefix: endpoint:* endpoint:*:deliveries tenant:*:endpoints tenant:*:listening row:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 endpoint
-- Returns: {"1"}
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock bell rows hooks
if clock_refuses() then return { -9 } end
local tenant, endpoint = ARGV[5], ARGV[6]
if redis.call('HGET', K.endpoint(endpoint), 'tenant') ~= tenant then return { -4 } end
redis.call('SREM', K.listening(tenant), endpoint)
redis.call('ZREM', K.tenant_endpoints(tenant), endpoint)
wake_deliveries(endpoint)
redis.call('DEL', K.endpoint(endpoint), K.endpoint_deliveries(endpoint))
return { '1' }
