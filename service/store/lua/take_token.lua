-- take_token: hand out an account's token, or the sole right to go and get one.
-- KEYS: none, all are derived from the prefix: account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 account  6 least_ms  7 lock_ms
-- Returns: {"token", account fields...}, {"fetch", fence, account fields...}, {"wait", account fields...} before token_retry, or {"none", account fields...} where a person must give one; least_ms is the life it must have left
-- Refuses: -3 WAITING (another process is getting it)  -4 GONE  -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local key = K.account(ARGV[5])
local kind, token, expires, locked, retry = unpack(redis.call('HMGET', key,
  'kind', 'token', 'token_expires', 'token_lock', 'token_retry'))
if not kind then return { -4 } end
local function answer(...)
  local reply = { ... }
  for _, each in ipairs(redis.call('HGETALL', key)) do reply[#reply + 1] = each end
  return reply
end
expires, locked = tonumber(expires or '0'), tonumber(locked or '0')
if token and (expires == 0 or expires - now >= tonumber(ARGV[6])) then return answer('token') end
if kind ~= 'anonymous' then return answer('none') end
if locked > now then return { -3 } end
if tonumber(retry or '0') > now then return answer('wait') end
-- Whoever asked last died before it could store what it got.
if locked > 0 then redis.call('HSET', key, 'token_lost', ARGV[2]) end
redis.call('HSET', key, 'token_lock', string.format('%.0f', now + tonumber(ARGV[7])))
return answer('fetch', string.format('%d', redis.call('HINCRBY', key, 'token_fence', 1)))
