-- The highest time seen. A call too far below or above it is refused (design 5, invariant 3).
local now = tonumber(ARGV[2])
local function clock_refuses()
  local high = tonumber(redis.call('GET', K.clock) or '0')
  if high > 0 and (now < high - tonumber(ARGV[3]) or now > high + tonumber(ARGV[4])) then
    return true
  end
  if now > high then redis.call('SET', K.clock, string.format('%.0f', now)) end
  return false
end
