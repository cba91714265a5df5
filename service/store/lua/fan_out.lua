-- fan_out: turn one event into its deliveries; idempotent, and the event's row ends with it.
-- KEYS: none, all are derived from the prefix: row:* job:* due endpoint:* endpoint:*:deliveries account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 deliveries  8 log_ms  9 log_most
-- Returns: {deliveries created}; deliveries is JSON: a list of {row, doc, line, endpoint}, where endpoint "job" is the job's own webhook
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -9 CLOCK
-- @include keys clock bell rows holder jobs hooks
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local job = redis.call('HGET', K.row(row), 'job')
-- It may have been switched off or deleted since the worker has looked.
local function wants_it(endpoint)
  if endpoint == 'job' then return redis.call('HGET', K.job(job), 'hooks') == '1' end
  return is_on(endpoint)
end
local created = 0
for _, delivery in ipairs(cjson.decode(ARGV[7])) do
  local spec = { queue = 'hooks', state = 'pending', doc = delivery.doc, account = delivery.line }
  if wants_it(delivery.endpoint) then
    if create_row(delivery.row, job, spec) then
      created = created + 1
      if delivery.endpoint ~= 'job' then
        list_delivery(delivery.endpoint, delivery.row, ARGV[8], ARGV[9])
      end
    end
  end
end
close_row(row, job, '')
redis.call('DEL', K.row(row))
if job ~= '' then
  redis.call('SREM', K.job_rows(job), row)
  expire_if_quiet(job)
end
return { string.format('%d', created) }
