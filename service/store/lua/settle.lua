-- settle: book what one edit cost, by what has gone from the account since it was last looked at; once.
-- KEYS: none, all are derived from the prefix: row:* job:* account:* account:*:editing usage:* held
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 edit  8 total  9 most  10 confirmed  11 mark
-- Returns: {credits charged, or "unknown", "1" when that was booked before}; total is the balance just read, mark the account's count of settles before, most what one of several edits can have cost
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder usage
if clock_refuses() then return { -9 } end
local refusal = holder_refusal(ARGV[5], ARGV[6])
if refusal then return { refusal } end
local job, account = unpack(redis.call('HMGET', K.row(ARGV[5]), 'job', 'account'))
local booked = redis.call('HGET', K.job(job), 'settled:' .. ARGV[7])
if booked then return { booked, '1' } end

-- Edits of an account may run side by side. What has gone is this edit's, as far as one edit can
-- cost; the rest is carried to the next that settles. Alone, it is all this edit's.
local total, most = tonumber(ARGV[8]), tonumber(ARGV[9])
local seen, carry, doubt = unpack(redis.call('HMGET', K.account(account), 'total_seen', 'carry', 'doubt'))
local left = tonumber(seen or total) + tonumber(carry or '0') - total
-- A balance read before another edit settled, and higher than what that one read, is out of date.
local settles = redis.call('HGET', K.account(account), 'settles') or '0'
local overtaken = settles ~= ARGV[11] and seen and total > tonumber(seen)
if overtaken then
  total, left = tonumber(seen), tonumber(carry or '0')
end
local gone = math.max(0, left)
redis.call('SREM', K.editing(account), ARGV[5])
redis.call('HINCRBY', K.account(account), 'settles', 1)
local alone = redis.call('SCARD', K.editing(account)) == 0
if ARGV[10] == '0' and gone > 0 and not alone then
  -- Nobody saw this edit applied, and what has gone may be the other's.
  redis.call('HSET', K.account(account), 'total_seen', string.format('%d', total),
    'carry', string.format('%d', gone), 'doubt', '1')
  redis.call('HSET', K.job(job), 'settled:' .. ARGV[7], 'unknown')
  return { 'unknown', '0' }
end
if overtaken and gone == 0 then
  redis.call('HSET', K.job(job), 'settled:' .. ARGV[7], 'unknown')
  return { 'unknown', '0' }
end
if left < 0 then
  -- More is there than before: credits were added meanwhile, and what went cannot be told.
  redis.call('HSET', K.account(account), 'total_seen', ARGV[8], 'carry', '0')
  redis.call('HSET', K.job(job), 'settled:' .. ARGV[7], 'unknown')
  return { 'unknown', '0' }
end
-- With a doubt left by another edit, what has gone may in part be that one's.
local charge = (alone and doubt ~= '1') and gone or math.min(gone, most)
redis.call('HSET', K.account(account), 'total_seen', string.format('%d', total),
  'carry', string.format('%d', gone - charge))

local reserved = tonumber(redis.call('HGET', K.job(job), 'reserved') or '0')
local release = math.min(reserved, charge)
-- Unseen beside another unseen one: the job was charged, which of the two cost it nobody knows.
local said = (doubt == '1' and ARGV[10] == '0' and charge > 0) and 'unknown' or string.format('%d', charge)
redis.call('HSET', K.job(job), 'settled:' .. ARGV[7], said)
redis.call('HINCRBY', K.job(job), 'charged', charge)
if charge > 0 then
  -- A revision is its sender's, whose key may be another than the job's.
  local thing = redis.call('HEXISTS', K.row(ARGV[5]), 'key') == 1 and K.row(ARGV[5]) or K.job(job)
  release_held(thing, charge)
  count_use(redis.call('HGET', K.job(job), 'tenant'), redis.call('HGET', thing, 'key'), { credits = charge })
end
if release > 0 then
  redis.call('HINCRBY', K.account(account), 'reserved', 0 - release)
  redis.call('HINCRBY', K.job(job), 'reserved', 0 - release)
end
return { said, '0' }
