-- Sums of an experiment. What goes to HINCRBY is text: a number of Lua is exact to 2^53 only.
local function whole(number) return string.format('%.0f', number) end
local function negated(text)
  if text:sub(1, 1) == '-' then return text:sub(2) end
  return '-' .. text
end
-- Whether a whole number not below 0, as text, is less than another.
local function is_less(one, other)
  if #one ~= #other then return #one < #other end
  return one < other
end
-- What is counted goes with its job. Should nobody end it, Redis does, this long after its last write.
local UNENDED_MS = 34560000000
local function keep_counts(key) redis.call('PEXPIRE', key, UNENDED_MS) end
-- Add to counters of a book, { field, text or exact number }: all of them, or none and why not. HINCRBY refuses to go
-- beyond 64 bits, and nothing else can fail here: the book was written to in this call before.
local function add_all(book, deltas)
  local done, after, fault = {}, {}, nil
  for _, each in ipairs(deltas) do
    local text = type(each[2]) == 'number' and whole(each[2]) or each[2]
    if text ~= '0' then
      local reply = redis.pcall('HINCRBY', book, each[1], text)
      if type(reply) == 'table' then
        fault = 'counter_overflow'
        break
      end
      done[#done + 1] = { each[1], text }
      after[each[1]] = reply
    end
  end
  for _, value in pairs(after) do
    if value < 0 then fault = fault or 'below_zero' end
  end
  if not fault then return nil end
  -- Backwards, as each step leads to where its counter has been.
  for at = #done, 1, -1 do
    redis.call('HINCRBY', book, done[at][1], negated(done[at][2]))
  end
  return fault
end
-- A unit as it is kept: `<arm>`, `!` once it was seen in another, then `|<metric>=<x>,<y>` for each.
local function read_unit(text)
  local arm, twice = text:match('^(%d)(!?)')
  local unit = { arm = tonumber(arm), twice = twice ~= '', x = {}, y = {} }
  for metric, x, y in text:gmatch('|(%d+)=(%-?%d+),(%-?%d+)') do
    unit.x[tonumber(metric)], unit.y[tonumber(metric)] = tonumber(x), tonumber(y)
  end
  return unit
end
local function write_unit(unit, metrics)
  local parts = { whole(unit.arm) .. (unit.twice and '!' or '') }
  for metric = 0, #metrics - 1 do
    if unit.x[metric] then
      parts[#parts + 1] = whole(metric) .. '=' .. whole(unit.x[metric]) .. ',' .. whole(unit.y[metric])
    end
  end
  return table.concat(parts, '|')
end
local function within(number, most) return math.max(0, math.min(number, most)) end
-- What all that came of a unit counts for. It follows from the totals alone, so that outcomes may
-- come in any order. Results are small enough for exact squares (service/experiments/outcomes.py).
local function worth(metric, x, y)
  if metric.kind ~= 'ratio' then return within(x, metric.most), 0 end
  -- Who has more impressions than a person has counts as that many, with their own average.
  local seen = within(y, metric.most_count)
  if y > metric.most_count then x = math.floor(x * metric.most_count / y) end
  return within(x, math.min(metric.most * seen, metric.most_unit)), seen
end
-- What a unit's totals going from (x0, y0) to (x1, y1) adds to the sums of a metric: { field, number }.
local function changes(at, metric, x0, y0, x1, y1)
  if metric.kind == 'proportion' then return { { at .. 's', x1 - x0 } } end
  if metric.kind == 'mean' then return { { at .. 's1', x1 - x0 }, { at .. 's2', x1 * x1 - x0 * x0 } } end
  return { { at .. 'sx', x1 - x0 }, { at .. 'sxx', x1 * x1 - x0 * x0 }, { at .. 'sy', y1 - y0 },
    { at .. 'syy', y1 * y1 - y0 * y0 }, { at .. 'sxy', x1 * y1 - x0 * y0 } }
end
