-- attach_experiment: open the book of an experiment, once, and begin to count when its variants can be seen.
-- KEYS: none, all are derived from the prefix: job:*:experiment
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 plan  8 digest  9 begin  10 shown
-- Returns: {"1" when it was opened now, else "0"; when it began, or "0"}
-- Refuses: -4 GONE (another tenant's)  -7 STATE (it has another plan)  -9 CLOCK  -14 FULL
-- @include keys clock full outcomes
if clock_refuses() then return { -9 } end
local book = K.experiment(ARGV[6])
local tenant, digest, started = unpack(redis.call('HMGET', book, 'tenant', 'digest', 'started'))
if digest then
  if tenant ~= ARGV[5] then return { -4 } end
  if digest ~= ARGV[8] then return { -7 } end
  if started == '0' and ARGV[9] == '1' then
    started = ARGV[2]
    redis.call('HSET', book, 'started', started, 'shown', ARGV[10])
  end
  return { '0', started }
end
if nearly_full() then return { -14 } end
started = ARGV[9] == '1' and ARGV[2] or '0'
redis.call('HSET', book, 'tenant', ARGV[5], 'plan', ARGV[7], 'digest', ARGV[8], 'started', started, 'records', '0')
if started ~= '0' then redis.call('HSET', book, 'shown', ARGV[10]) end
keep_counts(book)
return { '1', started }
