-- evidence: keep what a worker saw of a paid call, also when it has lost its lease, and wake who recovers.
-- KEYS: none, all are derived from the prefix: evidence:* row:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 edit  7 kind  8 body  9 ttl_ms
-- Returns: {"1"}
-- Refuses: -9 CLOCK
-- @include keys clock bell rows
if clock_refuses() then return { -9 } end
redis.call('HSET', K.evidence(ARGV[6]), ARGV[7], ARGV[8])
redis.call('PEXPIRE', K.evidence(ARGV[6]), ARGV[9])
local state, edits = unpack(redis.call('HMGET', K.row(ARGV[5]), 'state', 'edits'))
-- Named at its row, so that it goes when the row's job goes.
if state and not string.find(edits or '', ARGV[6] .. ' ', 1, true) then
  redis.call('HSET', K.row(ARGV[5]), 'edits', (edits or '') .. ARGV[6] .. ' ')
end
if ARGV[7] ~= 'reading' and state == 'recovering' then wake(ARGV[5]) end
return { '1' }
