-- put_token: store what came of getting a token, or of failing to, and schedule the account's next look.
-- KEYS: none, all are derived from the prefix: account:* row:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 account  6 fence  7 change  8 next_ms
-- Returns: {"1"}; change is JSON: fields to set; next_ms 0 schedules nothing
-- Refuses: -4 GONE  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows
if clock_refuses() then return { -9 } end
local key, change = K.account(ARGV[5]), cjson.decode(ARGV[7])
local kind, fence, token, expires = unpack(redis.call('HMGET', key, 'kind', 'token_fence', 'token', 'token_expires'))
if not kind then return { -4 } end
local held = fence == ARGV[6]
-- A token that comes late is better than none: the backend gives one in seven days.
local wanted = change.token and not (token and tonumber(expires or '0') > now)
if not held and not wanted then return { -6 } end
for field, value in pairs(change) do redis.call('HSET', key, field, value) end
if held then redis.call('HSET', key, 'token_lock', '0') end
if ARGV[8] ~= '0' then
  local row = 'token:' .. ARGV[5]
  create_row(row, '', { queue = 'flow', state = 'pending', look_ms = 0 })
  if tonumber(redis.call('HGET', K.row(row), 'lease')) == 0 then
    redis.call('HSET', K.row(row), 'ready', ARGV[8])
    schedule(row, tonumber(ARGV[8]))
  end
end
return { '1' }
