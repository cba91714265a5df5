-- send_test: send an event of no job to one endpoint, whatever it listens to: one try by hand.
-- KEYS: none, all are derived from the prefix: endpoint:* endpoint:*:deliveries row:* due account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 endpoint  7 row  8 doc  9 log_ms  10 log_most  11 origin
-- Returns: {"1"}
-- Refuses: -4 GONE  -7 STATE (switched off)  -9 CLOCK  -14 FULL
-- @include keys clock full bell rows hooks
if clock_refuses() then return { -9 } end
local endpoint, row = ARGV[6], ARGV[7]
if redis.call('HGET', K.endpoint(endpoint), 'tenant') ~= ARGV[5] then return { -4 } end
if not is_on(endpoint) then return { -7 } end
if nearly_full() then return { -14 } end
local spec = { queue = 'hooks', state = 'replaying', doc = ARGV[8], account = endpoint }
if create_row(row, '', spec) then
  redis.call('HSET', K.row(row), 'resume', '1', 'origin', ARGV[11])
  list_delivery(endpoint, row, ARGV[9], ARGV[10])
end
return { '1' }
