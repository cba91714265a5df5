-- cancel: ask a job to end: its open clips and cuts are woken to end themselves; idempotent.
-- KEYS: none, all are derived from the prefix: row:* job:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 job  6 event
-- Returns: {the job's status after the call}
-- Refuses: -4 GONE  -7 STATE (comparing: the videos exist)  -9 CLOCK
-- @include keys clock bell rows jobs
if clock_refuses() then return { -9 } end
local job = ARGV[5]
local status = redis.call('HGET', K.job(job), 'status')
if not status then return { -4 } end
if status == 'comparing' then return { -7 } end
if ENDED[status] or status == 'canceling' then return { status } end
set_status(job, 'canceling')
redis.call('HSET', K.job(job), 'cancel', '1')
append_event(job, ARGV[6])
for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
  local kind = row:match('^[^:]+')
  if (kind == 'clip' or kind == 'cut') and redis.call('HGET', K.row(row), 'open') == '1' then
    redis.call('HSET', K.row(row), 'cancel', '1')
    wake(row)
  end
end
return { 'canceling' }
