-- resume: let the cuts of a job that wait for a person go on from where they stopped; idempotent.
-- KEYS: none, all are derived from the prefix: row:* job:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 job  6 event
-- Returns: {the job's status, cuts that go on}; in a job that has ended a later revision may wait
-- Refuses: -4 GONE  -7 STATE (ended and nothing waits, or canceling)  -9 CLOCK
-- @include keys clock bell rows jobs
if clock_refuses() then return { -9 } end
local job = ARGV[5]
local status = redis.call('HGET', K.job(job), 'status')
if not status then return { -4 } end
if status == 'canceling' then return { -7 } end
local waiting, woken = 0, 0
for _, row in ipairs(redis.call('SMEMBERS', K.job_rows(job))) do
  local open, state, resumed = unpack(redis.call('HMGET', K.row(row), 'open', 'state', 'resume'))
  if open == '1' and state == 'action_required' then
    waiting = waiting + 1
    if resumed ~= '1' then
      redis.call('HSET', K.row(row), 'resume', '1', 'deadline', '0')
      wake(row)
      woken = woken + 1
    end
  end
end
if ENDED[status] and waiting == 0 then return { -7 } end
if woken > 0 then append_event(job, ARGV[6]) end
return { status, string.format('%d', woken) }
