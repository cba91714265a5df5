-- create_endpoint: make a webhook endpoint of a tenant; it hears what happens from now on.
-- KEYS: none, all are derived from the prefix: endpoint:* tenant:*:endpoints tenant:*:listening
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 endpoint  7 most  8 fields
-- Returns: {"1"}; fields is JSON: the fields of its hash, all strings
-- Refuses: -9 CLOCK  -12 QUOTA  -14 FULL
-- @include keys clock full
if clock_refuses() then return { -9 } end
local tenant, endpoint = ARGV[5], ARGV[6]
-- A client whose reply was lost sends the same call again.
if redis.call('EXISTS', K.endpoint(endpoint)) == 1 then return { '1' } end
if nearly_full() then return { -14 } end
if redis.call('ZCARD', K.tenant_endpoints(tenant)) >= tonumber(ARGV[7]) then return { -12 } end
local fields = cjson.decode(ARGV[8])
redis.call('HSET', K.endpoint(endpoint), 'tenant', tenant, 'created', ARGV[2], 'updated', ARGV[2],
  'secret_at', ARGV[2], 'generation', '1')
for name, value in pairs(fields) do redis.call('HSET', K.endpoint(endpoint), name, value) end
redis.call('ZADD', K.tenant_endpoints(tenant), ARGV[2], endpoint)
if fields.enabled == '1' then redis.call('SADD', K.listening(tenant), endpoint) end
return { '1' }
