-- note: tell of progress while a step runs: an event and nothing else.
-- KEYS: none, all are derived from the prefix: row:* job:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 event
-- Returns: {"1"}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder jobs
if clock_refuses() then return { -9 } end
local refusal = holder_refusal(ARGV[5], ARGV[6])
if refusal then return { refusal } end
append_event(redis.call('HGET', K.row(ARGV[5]), 'job'), ARGV[7])
return { '1' }
