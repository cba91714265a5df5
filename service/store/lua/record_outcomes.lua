-- record_outcomes: count outcomes of an experiment, each once, each wholly or not at all.
-- KEYS: none, all are derived from the prefix: job:*:experiment job:*:experiment:seen job:*:experiment:units job:*:experiment:sources experiments:*
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 digest  8 metrics  9 most  10 tenant_most  11 items
-- Returns: one text for each item: "accepted", "duplicate", or why it was rejected; items and metrics are the JSON of service/experiments/ledger.py
-- Refuses: -4 GONE (another tenant's)  -7 STATE (there is no book with this plan, or it has not begun)  -9 CLOCK  -14 FULL
-- @include keys clock full outcomes
if clock_refuses() then return { -9 } end
local tenant, job = ARGV[5], ARGV[6]
local book, seen, units, sources =
  K.experiment(job), K.experiment_seen(job), K.experiment_units(job), K.experiment_sources(job)
local owner, digest, started, records, last =
  unpack(redis.call('HMGET', book, 'tenant', 'digest', 'started', 'records', 'last'))
if owner and owner ~= tenant then return { -4 } end
if digest ~= ARGV[7] or started == '0' then return { -7 } end
if nearly_full() then return { -14 } end
local items, metrics = cjson.decode(ARGV[11]), cjson.decode(ARGV[8])
local latest, used = tonumber(last or '0'), 0
local room = math.min(tonumber(ARGV[9]) - tonumber(records),
  tonumber(ARGV[10]) - tonumber(redis.call('GET', K.experiments(tenant)) or '0'))
local today = 'day:' .. whole(math.floor(now / 86400000))
redis.call('HSET', book, 'last', whole(latest))

local function take_room(count)
  if used + count > room then return false end
  used = used + count
  return true
end
local function apply(deltas, cost)
  if not take_room(cost) then return 'experiment_full' end
  local fault = add_all(book, deltas)
  if fault then used = used - cost end
  if fault == 'counter_overflow' then redis.call('HSET', book, 'overflowed', '1') end
  return fault
end
-- What viewers' outcomes add is collected and written once: it is most of the work. A counter that
-- is below half of 64 bits takes what one call can bring; any other is added to at once.
local EXACT, ROOMY, FEW = 2 ^ 53, 2 ^ 62, 256
local pending, roomy = {}, {}
local function flush()
  for field, sum in pairs(pending) do redis.call('HINCRBY', book, field, whole(sum)) end
  pending, roomy = {}, {}
end
local function may_wait(deltas)
  for _, each in ipairs(deltas) do
    local field = each[1]
    if roomy[field] == nil then
      roomy[field] = #items <= FEW and tonumber(redis.call('HGET', book, field) or '0') < ROOMY
    end
    if each[2] < 0 or not roomy[field] then return false end
  end
  return true
end
local function collect(deltas)
  for _, each in ipairs(deltas) do
    local before = pending[each[1]] or 0
    local sum = before + each[2]
    if sum >= EXACT then
      redis.call('HINCRBY', book, each[1], whole(before))
      sum = each[2]
    end
    pending[each[1]] = sum
  end
end
local function apply_event(deltas, cost)
  if not may_wait(deltas) then
    flush()
    return apply(deltas, cost)
  end
  if not take_room(cost) then return 'experiment_full' end
  collect(deltas)
end
-- What was counted under an id before: nil, or what to answer.
local function known(item, reused)
  local body = redis.call('HGET', seen, item.id)
  return body and (body == item.body and 'duplicate' or reused)
end
local function record_event(item)
  local before = known(item, 'event_id_reused')
  if before then return before end
  local text = redis.call('HGET', units, item.unit)
  local unit = read_unit(text or whole(item.arm))
  if unit.arm ~= item.arm then
    if not unit.twice then
      unit.twice = true
      redis.call('HSET', units, item.unit, write_unit(unit, metrics))
      redis.call('HINCRBY', book, 'multiple', 1)
    end
    return 'unit_in_two_variants'
  end
  local deltas = {}
  if item.metric then
    local metric, x, y = metrics[item.metric + 1], unit.x[item.metric] or 0, unit.y[item.metric] or 0
    local x0, y0 = worth(metric, x, y)
    unit.x[item.metric], unit.y[item.metric] = x + item.x, y + item.y
    local x1, y1 = worth(metric, x + item.x, y + item.y)
    deltas = changes('sum:' .. whole(item.arm) .. ':' .. whole(item.metric) .. ':', metric, x0, y0, x1, y1)
  end
  if not text then
    deltas[#deltas + 1] = { 'units:' .. whole(item.arm), 1 }
    deltas[#deltas + 1] = { today, 1 }
  end
  local fault = apply_event(deltas, text and 1 or 2)
  if fault then return fault end
  redis.call('HSET', seen, item.id, item.body)
  if item.metric or not text then redis.call('HSET', units, item.unit, write_unit(unit, metrics)) end
  return 'accepted'
end
-- `more` units came at once. Their day only tells how fast they come, so it need not be exact.
local function note_bulk(more)
  if more > 0 then redis.pcall('HINCRBY', book, today, whole(more)) end
end
local function record_batch(item)
  local before = known(item, 'batch_id_reused')
  if before then return before end
  local fault = apply(item.sums, 1)
  if fault then return fault end
  redis.call('HSET', seen, item.id, item.body)
  note_bulk(tonumber(item.units))
  return 'accepted'
end
-- Counts must not fall unasked; what only says how they were made may.
local function is_count(field) return field:match('^sum:') or field:match('^bulk:') end
-- What a source said is kept as it was: with 41 metrics it is as large as 150 outcomes.
local SUMS = 8
local function records_of(sums) return math.ceil(#sums / SUMS) end
-- Figures that replace those of the source before: what it said is taken out, then the new put in.
local function record_figures(item)
  local deltas, was, cost, units_before = {}, {}, records_of(item.sums), 0
  local text = redis.call('HGET', sources, item.source)
  if text then
    local old = cjson.decode(text)
    if is_less(item.revision, old.revision) then return 'revision_is_old' end
    if item.revision == old.revision then
      return item.body == old.body and 'duplicate' or 'revision_reused'
    end
    cost, units_before = math.max(0, cost - records_of(old.sums)), tonumber(old.units)
    for _, each in ipairs(old.sums) do
      if is_count(each[1]) then was[each[1]] = each[2] end
      deltas[#deltas + 1] = { each[1], each[2] == '0' and '0' or negated(each[2]) }
    end
  end
  for _, each in ipairs(item.sums) do
    if was[each[1]] and is_less(each[2], was[each[1]]) and not item.correction then return 'decreased' end
    was[each[1]] = nil
    deltas[#deltas + 1] = each
  end
  if next(was) and not item.correction then return 'decreased' end
  local fault = apply(deltas, cost)
  if fault then return fault end
  redis.call('HSET', sources, item.source,
    cjson.encode({ revision = item.revision, body = item.body, units = item.units, sums = item.sums }))
  note_bulk(tonumber(item.units) - units_before)
  return 'accepted'
end

local record = { event = record_event, batch = record_batch, figures = record_figures }
local replies = {}
for at, item in ipairs(items) do
  if item.kind ~= 'event' then flush() end
  replies[at] = record[item.kind](item)
  if replies[at] == 'accepted' then latest = math.max(latest, item.at) end
end
flush()
redis.call('HSET', book, 'last', whole(latest))
if used > 0 then
  redis.call('HINCRBY', book, 'records', used)
  redis.call('INCRBY', K.experiments(tenant), used)
  keep_counts(K.experiments(tenant))
end
for _, key in ipairs({ book, seen, units, sources }) do keep_counts(key) end
return replies
