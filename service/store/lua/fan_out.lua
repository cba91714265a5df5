-- fan_out: turn one event into its deliveries; idempotent, and the event's row ends with it.
-- KEYS: none, all are derived from the prefix: row:* job:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 deliveries
-- Returns: {deliveries created}; deliveries is JSON: a list of {row, doc}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder jobs
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local job = redis.call('HGET', K.row(row), 'job')
local created = 0
for _, delivery in ipairs(cjson.decode(ARGV[7])) do
  local spec = { queue = 'hooks', state = 'pending', doc = delivery.doc }
  if create_row(delivery.row, job, spec) then created = created + 1 end
end
close_row(row, job, '')
redis.call('SREM', K.job_rows(job), row)
redis.call('DEL', K.row(row))
expire_if_quiet(job)
return { string.format('%d', created) }
