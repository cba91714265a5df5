-- add_cut: add the next revision of a cut to a job, also to one that has ended, whose keys are then kept again.
-- KEYS: none, all are derived from the prefix: idempotency:* job:* row:* due retention expiring usage:* held
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 idempotency_key  8 fingerprint  9 idempotency_ttl_ms  10 clip  11 label  12 most  13 change
-- Returns: {row, revision, "0" or "1" when an earlier request is replayed}; change is JSON: queue, state, doc, limit_ms, look_ms, event, origin, use, where "revision":0 of doc and event becomes the number
-- Refuses: -4 GONE  -7 STATE (canceling)  -9 CLOCK  -10 KEY_REUSED  -12 QUOTA  -14 FULL  -17 KEY_CREDITS
-- @include keys clock full bell rows jobs usage
if clock_refuses() then return { -9 } end
local tenant, job, label, change = ARGV[5], ARGV[6], ARGV[11], cjson.decode(ARGV[13])
local memory = K.idempotency(tenant, ARGV[7])
local fingerprint, known, given = unpack(redis.call('HMGET', memory, 'fingerprint', 'cut', 'revision'))
if fingerprint then
  if fingerprint ~= ARGV[8] or not known then return { -10 } end
  return { known, given, '1' }
end
local status, account = unpack(redis.call('HMGET', K.job(job), 'status', 'account'))
if not status then return { -4 } end
if nearly_full() then return { -14 } end
if status == 'canceling' then return { -7 } end
local place = ARGV[10] .. '.' .. label
local revision = tonumber(redis.call('HGET', K.job(job), 'revision:' .. place) or '1') + 1
if revision > tonumber(ARGV[12]) then return { -12 } end
local use = change.use
local limited = use and use.key ~= ''
if limited and over_credits(use) then return { -17, string.format('%d', month_credits(use)) } end
local number = string.format('%d', revision)
local row = 'cut:' .. job .. '.' .. place .. '.' .. number
local function numbered(text)
  return (text:gsub('"revision":0', '"revision":' .. number, 1))
end

redis.call('HSET', memory, 'fingerprint', ARGV[8], 'cut', row, 'revision', number)
redis.call('PEXPIRE', memory, ARGV[9])
redis.call('HSET', K.job(job), 'revision:' .. place, number, 'updated', ARGV[2])
-- One message is in flight per session: this one comes after all that the variant has open.
local rows, after = redis.call('SMEMBERS', K.job_rows(job)), {}
for _, other in ipairs(rows) do
  if other:match('^cut:.*%.(%u)%.%d+$') == label and redis.call('HGET', K.row(other), 'open') == '1' then
    after[#after + 1] = other
    local wakes = redis.call('HGET', K.row(other), 'wakes')
    redis.call('HSET', K.row(other), 'wakes', (wakes and wakes .. ' ' or '') .. row)
  end
end
if ENDED[status] then keep_again(job) end
append_event(job, numbered(change.event))
local look_ms = #after > 0 and change.look_ms or nil
create_row(row, job, {
  queue = change.queue,
  state = change.state,
  account = account,
  after = table.concat(after, ' '),
  limit_ms = change.limit_ms,
  doc = numbered(change.doc),
  look_ms = look_ms,
})
if limited then hold(K.row(row), use) end
if use then count_use(tenant, use.key, { messages = 1, cuts = 1 }) end
if change.origin then redis.call('HSET', K.row(row), 'origin', change.origin) end
return { row, number, '0' }
