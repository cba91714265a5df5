-- Links that show a job to whoever has them: `<created>|<expires>|<preferences>|<key>|<revoked>`.
local function read_share(links, share)
  local doc = redis.call('HGET', links, share)
  if not doc then return nil end
  local head, expires, preferences, revoked = doc:match('^(%d+|(%d+)|([01])|[^|]*|)(%d+)$')
  return { head = head, expires = tonumber(expires), preferences = preferences == '1',
    revoked = tonumber(revoked) }
end
-- Whether a tenant has this job, and its time has not passed, swept or not.
local function is_there(job, tenant)
  local owner, expires = unpack(redis.call('HMGET', K.job(job), 'tenant', 'expires'))
  return owner == tenant and (not expires or tonumber(expires) > now)
end
-- The link that ended longest ago, if one has.
local function ended_first(links)
  local first, at
  for _, share in ipairs(redis.call('HKEYS', links)) do
    local link = read_share(links, share)
    local ended = link.revoked > 0 and math.min(link.revoked, link.expires) or link.expires
    if ended <= now and (not at or ended < at) then first, at = share, ended end
  end
  return first
end
-- A key of a job that has ended goes with it; while it runs there is no end to give.
local function live_as_long(key, job)
  local left = redis.call('PTTL', K.job(job))
  if left > 0 then redis.call('PEXPIRE', key, left) end
end
