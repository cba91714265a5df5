-- put_reply: keep the answer of a request with an Idempotency-Key, or forget that it was asked.
-- KEYS: none, all are derived from the prefix: reply:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 digest  7 turn  8 answer  9 ttl_ms
-- Returns: {"1"}, or {"0"} when its time was over; answer is sealed, and empty to forget
-- Refuses: -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local key = K.reply(ARGV[5], ARGV[6])
if redis.call('HGET', key, 'turn') ~= ARGV[7] then return { '0' } end
if ARGV[8] == '' then
  redis.call('DEL', key)
else
  redis.call('HSET', key, 'answer', ARGV[8])
  redis.call('PEXPIRE', key, ARGV[9])
end
return { '1' }
