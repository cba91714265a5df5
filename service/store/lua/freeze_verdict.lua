-- freeze_verdict: keep what a look found: a point of its history, the least p-values and, once for ever, a final verdict with its snapshot.
-- KEYS: none, all are derived from the prefix: job:*:experiment job:*:experiment:looks
-- ARGV: 1 prefix  2 now_ms  3 back_ms  4 ahead_ms  5 tenant  6 job  7 least  8 snapshot  9 verdict  10 point  11 most_points
-- Returns: {"1" when the verdict was frozen now, else "0"; the frozen verdict, or ""}; least is JSON: name to a number as text; verdict is empty while it is not final
-- Refuses: -4 GONE (another tenant's)  -7 STATE (there is no such book)  -9 CLOCK
-- @include keys clock outcomes
if clock_refuses() then return { -9 } end
local book, looks = K.experiment(ARGV[6]), K.experiment_looks(ARGV[6])
local tenant, digest, frozen = unpack(redis.call('HMGET', book, 'tenant', 'digest', 'verdict'))
if not digest then return { -7 } end
if tenant ~= ARGV[5] then return { -4 } end
-- Later looks are shown and change nothing: what was frozen must follow from its own snapshot.
if frozen then return { '0', frozen } end
for name, least in pairs(cjson.decode(ARGV[7])) do
  local before = redis.call('HGET', book, 'least:' .. name)
  if not before or tonumber(least) < tonumber(before) then
    redis.call('HSET', book, 'least:' .. name, least)
  end
end
-- Points lie evenly over the time that has passed: when there are too many, every other one goes.
local pause, last, started = unpack(redis.call('HMGET', book, 'point_ms', 'pointed', 'started'))
if ARGV[9] ~= '' or not last or now - tonumber(last) >= tonumber(pause or '0') then
  local many = redis.call('RPUSH', looks, ARGV[10])
  redis.call('HSET', book, 'pointed', ARGV[2])
  if many > tonumber(ARGV[11]) then
    local points = redis.call('LRANGE', looks, 0, -1)
    redis.call('DEL', looks)
    for at = #points % 2 == 0 and 2 or 1, #points, 2 do redis.call('RPUSH', looks, points[at]) end
    redis.call('HSET', book, 'point_ms', whole(math.floor((now - tonumber(started)) / (#points / 2))))
  end
end
keep_counts(book)
keep_counts(looks)
if ARGV[9] == '' then return { '0', '' } end
redis.call('HSET', book, 'verdict', ARGV[9], 'snapshot', ARGV[8], 'decided', ARGV[2])
return { '1', ARGV[9] }
