-- revoke_key: end an API key at once; it is shown as revoked for a while, and goes then.
-- KEYS: none, all are derived from the prefix: key:* key-ids
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 id  6 listed_ms
-- Returns: {"1", or "0" when it was revoked before}; listed_ms is how long an ended key is still listed
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local key = K.api_key(redis.call('HGET', K.key_ids, ARGV[5]) or '')
local id, expires, revoked = unpack(redis.call('HMGET', key, 'id', 'expires', 'revoked'))
if id ~= ARGV[5] then return { -4 } end
if revoked then return { '0' } end
-- A process of an earlier release reads its end only.
local ends = math.min(now, tonumber(expires or ARGV[2]))
redis.call('HSET', key, 'revoked', ARGV[2], 'expires', string.format('%.0f', ends))
redis.call('PEXPIREAT', key, string.format('%.0f', ends + tonumber(ARGV[6])))
return { '1' }
