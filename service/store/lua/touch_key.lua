-- touch_key: note that an API key is in use, at most once in a time; one of an earlier release is entered in the indexes.
-- KEYS: none, all are derived from the prefix: key:* key-ids tenants tenant:*:keys
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 digest  6 every_ms
-- Returns: {"1" when it was noted now, else "0"}
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local key = K.api_key(ARGV[5])
local id, tenant, created, used, revoked = unpack(redis.call('HMGET', key, 'id', 'tenant', 'created', 'used', 'revoked'))
if not id or revoked then return { -4 } end
if now < tonumber(used or '0') + tonumber(ARGV[6]) then return { '0' } end
redis.call('HSET', key, 'used', ARGV[2])
redis.call('HSETNX', K.key_ids, id, ARGV[5])
redis.call('ZADD', K.tenants, 'NX', created, tenant)
redis.call('ZADD', K.tenant_keys(tenant), 'NX', created, id)
return { '1' }
