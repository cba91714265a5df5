-- begin_reply: remember that a request with an Idempotency-Key is being answered, or find the answer it had.
-- KEYS: none, all are derived from the prefix: reply:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 digest  7 fingerprint  8 turn  9 lock_ms
-- Returns: {"mine"}, or {"kept", the sealed answer}; digest names method, path and key, turn is this request's own word
-- Refuses: -3 WAITING (another is being answered)  -9 CLOCK  -10 KEY_REUSED  -14 FULL
-- @include keys clock full
if clock_refuses() then return { -9 } end
local key = K.reply(ARGV[5], ARGV[6])
local fingerprint, turn, answer = unpack(redis.call('HMGET', key, 'fingerprint', 'turn', 'answer'))
if fingerprint and fingerprint ~= ARGV[7] then return { -10 } end
if answer then return { 'kept', answer } end
-- A client whose reply was lost sends the same call again.
if turn and turn ~= ARGV[8] then return { -3 } end
if not turn and nearly_full() then return { -14 } end
redis.call('HSET', key, 'fingerprint', ARGV[7], 'turn', ARGV[8])
redis.call('PEXPIRE', key, ARGV[9])
return { 'mine' }
