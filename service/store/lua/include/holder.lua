-- Whether a write comes from the claim it says: same fence, and the row still open.
local function holder_refusal(row, fence)
  local open, held = unpack(redis.call('HMGET', K.row(row), 'open', 'fence'))
  if not open then return -4 end
  if held ~= fence then return -6 end
  if open ~= '1' then return -5 end
  return nil
end
