-- rotate_key: write the successor of an API key, and let the old one live until a time at the latest.
-- KEYS: none, all are derived from the prefix: key:* key-ids tenant:*:keys
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 old  7 new  8 digest  9 until_ms  10 listed_ms  11 fields
-- Returns: {when the old key ends, in milliseconds}; fields is a JSON list of the new key's names and values, listed_ms is how long an ended key is still listed
-- Refuses: -4 GONE  -7 STATE (it has a successor, or is revoked)  -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local old = K.api_key(redis.call('HGET', K.key_ids, ARGV[6]) or '')
local expires, replaced, revoked = unpack(redis.call('HMGET', old, 'expires', 'replaced_by', 'revoked'))
if redis.call('HGET', old, 'tenant') ~= ARGV[5] then return { -4 } end
if replaced == ARGV[7] then return { expires } end
if replaced or revoked then return { -7 } end
local ends = tonumber(ARGV[9])
if expires then ends = math.min(ends, tonumber(expires)) end
local text = string.format('%.0f', ends)
redis.call('HSET', old, 'expires', text, 'replaced_by', ARGV[7])
redis.call('PEXPIREAT', old, string.format('%.0f', ends + tonumber(ARGV[10])))
local key = K.api_key(ARGV[8])
redis.call('HSET', key, unpack(cjson.decode(ARGV[11])))
local given = redis.call('HGET', key, 'expires')
if given then
  redis.call('PEXPIREAT', key, string.format('%.0f', tonumber(given) + tonumber(ARGV[10])))
end
redis.call('HSET', K.key_ids, ARGV[7], ARGV[8])
redis.call('ZADD', K.tenant_keys(ARGV[5]), ARGV[2], ARGV[7])
return { text }
