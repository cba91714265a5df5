-- complete_upload: make an upload of one that has arrived in parts and was joined; the parts are given up.
-- KEYS: none, all are derived from the prefix: arrival:* arrival:*:parts upload:* retention trash usage:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 upload  6 fence  7 file  8 size  9 sha256  10 kind  11 ttl_ms
-- Returns: {"1"}
-- Refuses: -4 GONE  -6 FENCED  -9 CLOCK
-- @include keys clock usage
if clock_refuses() then return { -9 } end
local id = ARGV[5]
local held, tenant, filename, created, api_key = unpack(redis.call('HMGET', K.arrival(id), 'fence', 'tenant', 'filename', 'created', 'key'))
if not held then return { -4 } end
if held ~= ARGV[6] then return { -6 } end
redis.call('HSET', K.upload(id), 'tenant', tenant, 'file', ARGV[7], 'filename', filename, 'size', ARGV[8],
  'sha256', ARGV[9], 'kind', ARGV[10], 'created', created)
redis.call('PEXPIRE', K.upload(id), ARGV[11])
redis.call('ZADD', K.retention, string.format('%.0f', now + ARGV[11]), id)
count_use(tenant, api_key, { uploads = 1, upload_bytes = tonumber(ARGV[8]) })
redis.call('DEL', K.arrival(id), K.arrival_parts(id))
redis.call('ZREM', K.retention, 'parts:' .. id)
redis.call('ZADD', K.trash, ARGV[2], 'parts/' .. id)
return { '1' }
