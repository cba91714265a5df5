-- Whether so much of `maxmemory` is used that only work accepted before may still grow: above it
-- Redis takes no write at all, and running jobs could not end.
local FULL = 0.9
local function nearly_full()
  local said = redis.pcall('INFO', 'memory')
  if type(said) ~= 'string' then return false end
  local used, most = said:match('used_memory:(%d+)'), said:match('maxmemory:(%d+)')
  most = tonumber(most or '0')
  return most > 0 and tonumber(used) > FULL * most
end
