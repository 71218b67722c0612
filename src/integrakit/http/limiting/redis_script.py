"""The Redis script: `ledger` and `document` once more, in Lua, so that a reservation is one atomic step on the server's own clock.

It does the same sums in the same order as the Python code, and a property test holds the two together. The state is one key, packed by cmsgpack,
which keeps every float as it is; answers are JSON written by hand, because cjson rounds. Single quotas are in `redis_meters`.
"""

from __future__ import annotations

from integrakit.http.limiting.redis_meters import METERS

__all__ = ["SCRIPT"]

SCRIPT = (
    """
local NEVER, FAR, TAKES_PART_FOR = -1e18, 1e18, 60
local request = cjson.decode(ARGV[1])
local floor, max, min = math.floor, math.max, math.min

local function array(list, show)
  local parts = {}
  for i, value in ipairs(list) do parts[i] = show(value) end
  return '[' .. table.concat(parts, ',') .. ']'
end
local function map(values, show)
  local parts = {}
  for name, value in pairs(values) do parts[#parts + 1] = cjson.encode(tostring(name)) .. ':' .. show(value) end
  return '{' .. table.concat(parts, ',') .. '}'
end
local function number(value) return string.format('%.17g', value) end
local function numbers(list) return array(list, number) end

"""
    + METERS
    + """
-- all quotas of one key

local time = redis.call('TIME')
local now = request.clock or (tonumber(time[1]) + tonumber(time[2]) / 1e6)
local packed = redis.call('GET', KEYS[1])
local doc = {at = NEVER, ahead = 0, paused = NEVER, processes = {}, quotas = {}}
if packed then doc = cmsgpack.unpack(packed) end
now = now + doc.ahead
if now < doc.at then
  doc.ahead = doc.ahead + (doc.at - now)
  now = doc.at
end
local meters = {}
for i, terms in ipairs(request.terms) do meters[i] = meter_of(terms, doc.quotas[terms[1]]) end

if request.look then
  local quotas = {}
  for _, m in ipairs(meters) do quotas[m.place] = dump(m) end
  local function step(each) return '[' .. number(each[1]) .. ',' .. number(each[2]) .. ',' .. map(each[3], number) .. ']' end
  local function state(each) return '[' .. numbers(each[1]) .. ',' .. array(each[2], numbers) .. ',' .. array(each[3], step) .. ']' end
  return '{"at":' .. number(now) .. ',"ahead":0,"paused":' .. number(doc.paused) .. ',"quotas":' .. map(quotas, state) .. '}'
end

local function reserve(cost, purpose, within)
  local start = now
  for _, m in ipairs(meters) do forget(m, now) end
  while true do
    local later = start
    for _, m in ipairs(meters) do later = max(later, earliest(m, start, cost, purpose)) end
    if later <= start then break end
    start = later
  end
  local tickets = {}
  if start - now <= within and start < FAR then
    for i, m in ipairs(meters) do tickets[i] = book(m, start, cost, purpose) end
  end
  return '[' .. number(start - now) .. ',' .. array(tickets, numbers) .. ']'
end

local function apply(operation)
  local name = operation[1]
  if name == 'reserve' then return reserve(operation[2], operation[3], operation[4]) end
  for _, m in ipairs(meters) do forget(m, now) end
  if name == 'give back' then
    for i, ticket in ipairs(operation[2]) do if meters[i] then give_back(meters[i], ticket, operation[3]) end end
  elseif name == 'pause' then
    doc.paused = max(doc.paused, now + operation[2])
    for _, m in ipairs(meters) do pause(m, now + operation[2]) end
  elseif name == 'settle' then
    settle(meters[operation[3] + 1], operation[2][operation[3] + 1], operation[4], operation[5], now)
  elseif name == 'told' then
    told(meters[operation[2] + 1], operation[3], operation[4], now)
  elseif name == 'slower' then
    slower(meters[operation[2] + 1], operation[3], operation[4], now)
  else
    for i, units in ipairs(operation[2]) do
      local m = meters[i]
      if m and not m.paced and units > 0 then write(m, step_end(m, now), units, '') end
    end
  end
  return 'null'
end

local answers = array(request.operations, apply)
doc.at = now
local processes, count = {}, 0
for name, seen in pairs(doc.processes) do if seen > now - TAKES_PART_FOR then processes[name] = seen end end
processes[request.process] = now
for _ in pairs(processes) do count = count + 1 end
doc.processes = processes
local horizon, used = doc.paused, {}
for i, m in ipairs(meters) do
  doc.quotas[m.place] = dump(m)
  used[i] = m.total + m.foreign
  if m.foreign ~= 0 then horizon = max(horizon, m.foreign_until) end
  if m.log[1] then horizon = max(horizon, m.log[#m.log][1] + m.window) end
  horizon = max(horizon, m.next, m.paused, m.slow_until)
end
local lasts = floor((max(horizon - now, 0) + TAKES_PART_FOR) * 1000)
redis.call('SET', KEYS[1], cmsgpack.pack(doc), 'PX', string.format('%.0f', lasts))
return '[' .. answers .. ',' .. number(max(0, doc.paused - now)) .. ',' .. number(count) .. ',' .. numbers(used) .. ',' .. number(now) .. ']'
"""
)
