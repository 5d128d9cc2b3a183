-- One step of a state in Redis: hold it against what is expected, write, then read; all of it, or nothing.
--
-- KEYS   1 the state's keys, a sorted set in which all scores are 0: in the order of their bytes
--        2 the values under these keys, a hash
--        3 what holds of the whole: birth, a name that a state gets once; version, which rises with every change
-- ARGV   one text after the other, each list with its length before it; see tallystick.features.state.step

local order, values, meta = KEYS[1], KEYS[2], KEYS[3]
local call = redis.call
local AT_ONCE = 500 -- entries in one command: Lua hands over some thousands of arguments at most

local at = 0
local function text()
  at = at + 1
  return ARGV[at]
end

local function number()
  return tonumber(text()) -- nil of nothing
end

local function list()
  local found = {}
  for i = 1, number() do
    found[i] = text()
  end
  return found
end

local birth, expected = text(), number()
local put_keys, put_values, gets, before = list(), list(), list(), list()
local from, most = text(), number()

-- Before anything is written: Redis undoes nothing of a script that stops half-way.

local held = call('HMGET', meta, 'birth', 'version')
local version = tonumber(held[2] or '0')
if held[1] ~= birth or call('ZCARD', order) ~= call('HLEN', values) then
  return {'lost'}
end
if expected and version < expected then
  return {'lost'} -- versions only rise: this is an older copy
end
if expected and version > expected then
  return {'taken'}
end

for first = 1, #put_keys, AT_ONCE do
  local scores, fields, n = {}, {}, 0
  for i = first, math.min(first + AT_ONCE - 1, #put_keys) do
    n = n + 2
    scores[n - 1], scores[n] = 0, put_keys[i]
    fields[n - 1], fields[n] = put_keys[i], put_values[i]
  end
  call('HSET', values, unpack(fields))
  call('ZADD', order, unpack(scores))
end
if #put_keys > 0 then
  version = call('HINCRBY', meta, 'version', 1)
end

local function values_of(keys)
  local found = {}
  for first = 1, #keys, AT_ONCE do
    for _, value in ipairs(call('HMGET', values, unpack(keys, first, math.min(first + AT_ONCE - 1, #keys)))) do
      found[#found + 1] = value
    end
  end
  return found
end

local earlier = {}
for i, key in ipairs(before) do
  -- No key of a state is empty, so an empty one says that there is none, and no value is found under it.
  earlier[i] = call('ZREVRANGEBYLEX', order, '(' .. key, '-', 'LIMIT', 0, 1)[1] or ''
end
local onwards = most > 0 and call('ZRANGEBYLEX', order, '[' .. from, '+', 'LIMIT', 0, most) or {}

return {'done', version, values_of(gets), earlier, values_of(earlier), onwards, values_of(onwards)}
