"""The Redis script's part for one quota: `meters`, `paced` and `counted` once more, in Lua, with the same sums in the same order."""

from __future__ import annotations

__all__ = ["METERS"]

METERS = """
-- one quota: numbers = next, filled, paused, foreign, foreign_until, slow, slow_until, slow_next

local function meter_of(terms, state)
  local meter = {place = terms[1], paced = terms[2] == 1, capacity = terms[3], interval = terms[4], tolerance = terms[5], window = terms[6],
    bucket = terms[7], amount = terms[8], strict = terms[9] == 1, reserves = terms[10], next = NEVER, filled = NEVER, paused = NEVER, foreign = 0,
    foreign_until = NEVER, slow = 0, slow_until = NEVER, slow_next = NEVER, returned = {}, log = {}, total = 0, spent = {}}
  if state then
    local n = state[1]
    meter.next, meter.filled, meter.paused, meter.foreign, meter.foreign_until = n[1], n[2], n[3], n[4], n[5]
    meter.slow, meter.slow_until, meter.slow_next, meter.returned, meter.log = n[6], n[7], n[8], state[2], state[3]
    for _, step in ipairs(meter.log) do
      meter.total = meter.total + step[2]
      for name, units in pairs(step[3]) do meter.spent[name] = (meter.spent[name] or 0) + units end
    end
  end
  return meter
end

local function dump(m)
  return {{m.next, m.filled, m.paused, m.foreign, m.foreign_until, m.slow, m.slow_until, m.slow_next}, m.returned, m.log}
end

local function forget(m, now)
  local gone = 0
  while m.log[gone + 1] and m.log[gone + 1][1] + m.window <= now do
    gone = gone + 1
    m.total = m.total - m.log[gone][2]
    for name, units in pairs(m.log[gone][3]) do m.spent[name] = m.spent[name] - units end
  end
  if gone > 0 then
    local kept = {}
    for i = gone + 1, #m.log do kept[#kept + 1] = m.log[i] end
    m.log = kept
  end
  local returned = {}
  for _, slot in ipairs(m.returned) do if slot[1] >= now then returned[#returned + 1] = slot end end
  m.returned = returned
  if m.foreign ~= 0 and m.foreign_until <= now then m.foreign = 0 end
end

local function kept_back(m, spent, purpose)
  local kept = 0
  for _, reserve in ipairs(m.reserves) do
    if reserve[1] ~= purpose then kept = kept + max(0, reserve[2] - (spent[reserve[1]] or 0)) end
  end
  return kept
end

local function earliest_counted(m, at, cost, purpose)
  local free, spent = m.capacity - m.total - m.foreign, {}
  for name, units in pairs(m.spent) do spent[name] = units end
  if free - kept_back(m, spent, purpose) >= cost then return at end
  local foreign_until = FAR
  if m.foreign ~= 0 then foreign_until = m.foreign_until end
  for _, step in ipairs(m.log) do
    local expires = step[1] + m.window
    if foreign_until <= expires then
      free = free + m.foreign
      if free - kept_back(m, spent, purpose) >= cost then return max(at, foreign_until) end
      foreign_until = FAR
    end
    free = free + step[2]
    for name, units in pairs(step[3]) do spent[name] = spent[name] - units end
    if free - kept_back(m, spent, purpose) >= cost then return max(at, expires) end
  end
  if foreign_until < FAR and free + m.foreign - kept_back(m, spent, purpose) >= cost then return max(at, foreign_until) end
  return FAR
end

local function earliest(m, at, cost, purpose)
  if at < m.paused then at = m.paused end
  if at < m.slow_until then at = max(at, min(m.slow_next, m.slow_until)) end
  if not m.paced then return earliest_counted(m, at, cost, purpose) end
  local fresh = max(at, m.next - m.tolerance)
  local best = fresh
  for _, slot in ipairs(m.returned) do
    if at <= slot[1] and slot[1] < fresh and slot[2] >= cost and slot[1] < best then best = slot[1] end
  end
  return best
end

local function write(m, finish, cost, purpose)
  local step = m.log[#m.log]
  if step and step[1] >= finish then
    step[2] = step[2] + cost
  else
    step = {finish, cost, {}}
    m.log[#m.log + 1] = step
  end
  m.total = m.total + cost
  if purpose ~= '' then
    step[3][purpose] = (step[3][purpose] or 0) + cost
    m.spent[purpose] = (m.spent[purpose] or 0) + cost
  end
  return step[1]
end

local function unlog(m, finish, more, purpose)
  for i = #m.log, 1, -1 do
    local step = m.log[i]
    if step[1] < finish then return end
    if step[1] == finish then
      more = max(more, -step[2])
      step[2] = step[2] + more
      m.total = m.total + more
      if purpose ~= '' then
        step[3][purpose] = (step[3][purpose] or 0) + more
        m.spent[purpose] = (m.spent[purpose] or 0) + more
      end
      return
    end
  end
end

local function step_end(m, start)
  local newest = m.log[#m.log]
  if newest and start < newest[1] then return newest[1] end
  if m.bucket == 0 then return start end
  return (floor(start / m.bucket) + 1) * m.bucket
end

local function book(m, start, cost, purpose)
  if start < m.slow_until then m.slow_next = max(m.slow_next, start) + cost * m.slow end
  if not m.paced then return {start, cost, cost, 1, 0, 0, write(m, step_end(m, start), cost, purpose)} end
  local finish = write(m, step_end(m, start), cost, '')
  for i, slot in ipairs(m.returned) do
    if slot[1] == start and slot[2] >= cost then
      table.remove(m.returned, i)
      return {start, slot[2], cost, 0, 0, 0, finish}
    end
  end
  local before = m.next
  if start >= before then
    m.filled = start
    m.next = start + cost * m.interval
  else
    m.next = before + cost * m.interval
  end
  return {start, cost, cost, 1, before, m.next, finish}
end

local function give_back(m, ticket, purpose)
  if not m.paced then return unlog(m, ticket[7], -ticket[3], purpose) end
  unlog(m, ticket[7], -ticket[3], '')
  if ticket[4] ~= 0 and ticket[6] == m.next then
    m.next = ticket[5]
  elseif ticket[1] >= m.paused then
    m.returned[#m.returned + 1] = {ticket[1], ticket[2]}
  end
end

local function settle(m, ticket, more, purpose, now)
  if not m.paced then return unlog(m, ticket[7], more, purpose) end
  unlog(m, ticket[7], more, '')
  if more > 0 then
    m.next = max(m.next, now) + more * m.interval
  elseif ticket[1] >= m.filled and m.next > now then
    m.next = max(m.next + more * m.interval, now)
  end
end

local function pause(m, till)
  m.paused = max(m.paused, till)
  if m.paced then
    m.next = max(m.next, till + m.tolerance)
    local returned = {}
    for _, slot in ipairs(m.returned) do if slot[1] >= till then returned[#returned + 1] = slot end end
    m.returned = returned
  end
end

local function slower(m, interval, seconds, now)
  if m.slow_until <= now then m.slow_next = now + interval end
  m.slow, m.slow_until = interval, now + seconds
end

local function told(m, remaining, seconds, now)
  local others = m.amount - remaining - m.total
  if not m.paced and not m.strict then
    m.foreign, m.foreign_until = min(max(0, others), m.amount), now + seconds
  elseif others <= max(2, 0.05 * m.amount) then
    m.slow_until = NEVER
  elseif remaining < 1 then
    pause(m, now + seconds)
  else
    if m.strict then m.foreign, m.foreign_until = min(others, m.amount), now + seconds end
    slower(m, seconds / remaining, seconds, now)
  end
end
"""
