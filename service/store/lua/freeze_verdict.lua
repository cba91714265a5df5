-- freeze_verdict: keep the least p-values of a look and, once for ever, a final verdict with its snapshot and event.
-- KEYS: none, all are derived from the prefix: job:* job:*:experiment row:* due
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 least  8 snapshot  9 verdict  10 event
-- Returns: {"1" when the verdict was frozen now, else "0"; the frozen verdict, or ""}; least is JSON: name to a number as text; verdict is empty while it is not final
-- Refuses: -4 GONE  -7 STATE (the job has no experiment)  -9 CLOCK
-- @include keys clock bell rows jobs shares
if clock_refuses() then return { -9 } end
local job, book = ARGV[6], K.experiment(ARGV[6])
if not is_there(job, ARGV[5]) then return { -4 } end
local digest, frozen = unpack(redis.call('HMGET', book, 'digest', 'verdict'))
if not digest then return { -7 } end
-- Later looks are shown and change nothing: what was frozen must follow from its own snapshot.
if frozen then return { '0', frozen } end
for name, least in pairs(cjson.decode(ARGV[7])) do
  local before = redis.call('HGET', book, 'least:' .. name)
  if not before or tonumber(least) < tonumber(before) then
    redis.call('HSET', book, 'least:' .. name, least)
  end
end
if ARGV[9] == '' then return { '0', '' } end
redis.call('HSET', book, 'verdict', ARGV[9], 'snapshot', ARGV[8], 'decided', ARGV[2])
-- A job that has ended is kept until this has been told, and its time starts anew then.
local ended = ENDED[redis.call('HGET', K.job(job), 'status')]
if ended then keep_again(job) end
append_event(job, ARGV[10])
if ended then expire_if_quiet(job) end
return { '1', ARGV[9] }
