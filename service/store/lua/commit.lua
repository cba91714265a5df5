-- commit: write the outcome of a step, all of it or nothing: state, next due time, events, slot, wake-ups, job.
-- KEYS: none, all are derived from the prefix: due row:* job:* account:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 row  6 fence  7 expected_state  8 lease_ms  9 grace_ms  10 change
-- Returns: {"1", cancel}; change is JSON: state, queue, doc, ready_ms, keep, ended, free, pause (1 enters, -1 leaves), events, first, wake, deadline_ms, session
-- Refuses: -4 GONE  -5 ENDED  -6 FENCED  -7 STATE  -9 CLOCK
-- @include keys clock bell rows holder jobs
if clock_refuses() then return { -9 } end
local row, change = ARGV[5], cjson.decode(ARGV[10])
local key = K.row(row)
local refusal = holder_refusal(row, ARGV[6])
if refusal then return { refusal } end
local state, job, account, cancel, doc = unpack(redis.call('HMGET', key, 'state', 'job', 'account', 'cancel', 'doc'))
if state ~= ARGV[7] then
  -- A client whose reply was lost sends the same call again.
  if state == change.state and doc == change.doc then return { '1', cancel or '0' } end
  return { -7 }
end

-- A claim that goes on has its next step's outcome yet to show.
redis.call('HSET', key, 'state', change.state, 'queue', change.queue, 'doc', change.doc,
  'crashes', change.keep and '1' or '0', 'rings', '0')
if change.deadline_ms then
  redis.call('HSET', key, 'deadline', string.format('%.0f', change.deadline_ms))
end
if change.pause then redis.call('HDEL', key, 'resume') end
if change.session then redis.call('HSET', K.sessions(job), change.session.label, change.session.doc) end
if change.ended then
  close_row(row, job, account)
elseif change.keep then
  local till = now + tonumber(ARGV[8])
  redis.call('HSET', key, 'lease', string.format('%.0f', till))
  schedule(row, till + tonumber(ARGV[9]))
else
  -- A row that is asked to cancel does not wait for its next step.
  local ready = cancel == '1' and now or change.ready_ms
  redis.call('HSET', key, 'lease', '0', 'ready', string.format('%.0f', ready))
  if change.free then free_slot(row, account) end
  schedule(row, ready)
  if ready <= now then ring(change.queue, row) end
end
for _, other in ipairs(change.wake) do wake(other) end
if change.ended then
  for other in (redis.call('HGET', key, 'wakes') or ''):gmatch('%S+') do wake(other) end
end

if job ~= '' then
  -- A job's status follows from the first revisions; later ones neither reopen nor hold it.
  local counts = row:match('^cut:') and row:match('%.1$')
  if redis.call('HGET', K.job(job), 'status') == 'queued' then
    if change.first then append_event(job, change.first) end
    set_status(job, 'running')
  end
  for _, body in ipairs(change.events) do append_event(job, body) end
  if counts and change.pause then redis.call('HINCRBY', K.job(job), 'paused', change.pause) end
  if counts and change.ended then redis.call('HINCRBY', K.job(job), 'open_cuts', -1) end
  if counts and (change.ended or change.pause) then settle_status(job) end
  if change.ended then
    release_after_cuts(job)
    expire_if_quiet(job)
  end
end
return { '1', cancel or '0' }
