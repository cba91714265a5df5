-- drop_token: forget an anonymous account's token that the backend has refused, if it is still that one.
-- KEYS: none, all are derived from the prefix: account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 account  6 hash
-- Returns: {"renew"} when a new token may be asked for or is there already, {"keep"} when a person must act
-- Refuses: -4 GONE  -9 CLOCK
-- @include keys clock
if clock_refuses() then return { -9 } end
local key = K.account(ARGV[5])
local kind, hash, dropped = unpack(redis.call('HMGET', key, 'kind', 'token_hash', 'token_dropped'))
if not kind then return { -4 } end
if kind ~= 'anonymous' then return { 'keep' } end
if hash ~= ARGV[6] then return { 'renew' } end
-- The backend gave the same dead token again: once is all it gets.
if dropped == hash then return { 'keep' } end
redis.call('HDEL', key, 'token', 'token_hash', 'token_expires')
redis.call('HSET', key, 'token_dropped', hash, 'token_retry', '0', 'token_refusals', '0')
return { 'renew' }
