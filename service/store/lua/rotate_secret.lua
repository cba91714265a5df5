-- rotate_secret: give an endpoint, or a tenant's jobs, a new secret; the one before signs beside it for a while.
-- KEYS: none, all are derived from the prefix: tenant:* endpoint:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 endpoint  7 secret  8 overlap_ms  9 most
-- Returns: {how many old secrets sign too}; endpoint is empty for the secret of the tenant's jobs; secrets are sealed
-- Refuses: -4 GONE  -9 CLOCK  -13 LIMIT
-- @include keys clock
if clock_refuses() then return { -9 } end
local tenant, endpoint = ARGV[5], ARGV[6]
local key = endpoint == '' and K.tenant(tenant) or K.endpoint(endpoint)
local current, old, owner = unpack(redis.call('HMGET', key, 'webhook_secret', 'old_secrets', 'tenant'))
if not current or (endpoint ~= '' and owner ~= tenant) then return { -4 } end
local kept = {}
for _, each in ipairs(cjson.decode(old or '[]')) do
  if tonumber(each.till_ms) > now then kept[#kept + 1] = each end
end
-- A client whose reply was lost sends the same call again.
if current == ARGV[7] then return { string.format('%d', #kept) } end
if #kept >= tonumber(ARGV[9]) then return { -13 } end
table.insert(kept, 1, { sealed = current, till_ms = string.format('%.0f', now + tonumber(ARGV[8])) })
redis.call('HSET', key, 'webhook_secret', ARGV[7], 'secret_at', ARGV[2], 'old_secrets', cjson.encode(kept))
return { string.format('%d', #kept) }
