-- create_public_key: enter a key that viewers show; it lives as long as its job.
-- KEYS: none, all are derived from the prefix: job:* job:*:pubkeys pubkey:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 key  8 most  9 fields
-- Returns: {"1"}; fields is a JSON object of texts, to which job, tenant and times are added
-- Refuses: -4 GONE  -9 CLOCK  -12 QUOTA  -14 FULL
-- @include keys clock full shares
if clock_refuses() then return { -9 } end
local job, id, ids = ARGV[6], ARGV[7], K.job_public_keys(ARGV[6])
local key = K.public_key(id)
if not is_there(job, ARGV[5]) then return { -4 } end
-- A client whose reply was lost sends the same call again.
if redis.call('EXISTS', key) == 1 then return { '1' } end
if nearly_full() then return { -14 } end
if redis.call('SCARD', ids) >= tonumber(ARGV[8]) then
  local over, at
  for _, each in ipairs(redis.call('SMEMBERS', ids)) do
    local revoked = tonumber(redis.call('HGET', K.public_key(each), 'revoked') or '1')
    if revoked > 0 and (not at or revoked < at) then over, at = each, revoked end
  end
  if not over then return { -12 } end
  redis.call('DEL', K.public_key(over))
  redis.call('SREM', ids, over)
end
for name, value in pairs(cjson.decode(ARGV[9])) do redis.call('HSET', key, name, value) end
redis.call('HSET', key, 'job', job, 'tenant', ARGV[5], 'created', ARGV[2], 'revoked', '0')
redis.call('SADD', ids, id)
live_as_long(ids, job)
live_as_long(key, job)
return { '1' }
