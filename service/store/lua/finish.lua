-- finish: end a job: terminal status, result, event, reservation released. Exactly one of finish and cancel wins.
-- KEYS: none, all are derived from the prefix: due row:* job:* account:* tenant:*:open key-open:* held retention
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 status  8 result  9 event
-- Returns: {"1"}
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -7 STATE  -9 CLOCK
-- @include keys clock bell rows holder jobs
if clock_refuses() then return { -9 } end
local row = ARGV[5]
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local job = redis.call('HGET', K.row(row), 'job')
local status, tenant, api_key = unpack(redis.call('HMGET', K.job(job), 'status', 'tenant', 'key'))
if not status or ENDED[status] then return { -7 } end
redis.call('HSET', K.job(job), 'status', ARGV[7], 'result', ARGV[8], 'updated', ARGV[2], 'ended', ARGV[2])
redis.call('SREM', K.tenant_open(tenant), job)
if api_key then redis.call('SREM', K.key_open(api_key), job) end
release_held(K.job(job))
release_reserved(job)
append_event(job, ARGV[9])
redis.call('HSET', K.row(row), 'state', 'done')
close_row(row, job, '')
-- Its videos are there: an experiment that waits for them begins.
wake('experiment:' .. job)
expire_if_quiet(job)
return { '1' }
