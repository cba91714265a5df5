-- reserve: set estimated credits aside on the account before a paid message, once for each scope, all or nothing.
-- KEYS: none, all are derived from the prefix: row:* job:* account:* account:*:editing
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 scope  8 amount  9 total  10 mark  11 limit
-- Returns: {credits reserved for the scope, "1" when that was so before}; scope is "job" or a row, total the balance just read, mark the account's count of settles before, limit what the whole job may cost (-1: no limit)
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -8 CREDITS  -9 CLOCK  -13 LIMIT
-- @include keys clock bell rows holder
if clock_refuses() then return { -9 } end
local refusal = holder_refusal(ARGV[5], ARGV[6])
if refusal then return { refusal } end
local job, account = unpack(redis.call('HMGET', K.row(ARGV[5]), 'job', 'account'))
local field = 'reserved:' .. ARGV[7]
local already = redis.call('HGET', K.job(job), field)
if not already then
  local charged, aside = unpack(redis.call('HMGET', K.job(job), 'charged', 'reserved'))
  local committed = tonumber(charged or '0') + tonumber(aside or '0')
  if tonumber(ARGV[11]) >= 0 and committed + tonumber(ARGV[8]) > tonumber(ARGV[11]) then
    return { -13, string.format('%d', committed) }
  end
  local others = tonumber(redis.call('HGET', K.account(account), 'reserved') or '0')
  if others + tonumber(ARGV[8]) > tonumber(ARGV[9]) then return { -8, string.format('%d', others) } end
  redis.call('HINCRBY', K.account(account), 'reserved', ARGV[8])
  redis.call('HINCRBY', K.job(job), 'reserved', ARGV[8])
  redis.call('HSET', K.job(job), field, ARGV[8])
end
-- With no edit under way the balance is a firm ground to measure charges from.
local settles = redis.call('HGET', K.account(account), 'settles') or '0'
if redis.call('SCARD', K.editing(account)) == 0 and settles == ARGV[10] then
  redis.call('HSET', K.account(account), 'total_seen', ARGV[9], 'carry', '0', 'doubt', '0')
end
redis.call('SADD', K.editing(account), ARGV[5])
return { already or ARGV[8], already and '1' or '0' }
