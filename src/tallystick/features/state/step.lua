-- One step of a state in Redis: look whether it may be taken, change it, and read: all of it, or nothing.
--
-- KEYS   1 the state's keys, a sorted set in which all scores are 0: in the order of their bytes
--        2 the values under these keys, a hash
--        3 what holds of the whole: birth, a name that a state gets once; version, which rises with every change
-- ARGV   one text after the other, each list with its length before it; see tallystick.features.state.step
--
-- Whole numbers of 64 bits are two limbs here, the high one signed: a number of Lua is a double, and holds 53 bits.
-- Bytes are compared by the sorted set or as numbers, never with < on strings, which would ask the machine's locale.

local order, values, meta = KEYS[1], KEYS[2], KEYS[3]
local call, pack, unpacked = redis.call, struct.pack, struct.unpack
local AT_ONCE = 1000

local POSITION, PLAN, TRACK = '\0position', '\0plan', 3
local SIGN, LIMB, HIGHEST = 2147483648, 4294967296, 1073741824 -- 2**31, 2**32, 2**30: of a total of 2**62

-- What is asked

local at = 0
local function text()
  at = at + 1
  return ARGV[at]
end

local function number()
  return tonumber(text()) -- nil of nothing
end

local function list(each)
  local found = {}
  for i = 1, number() do
    found[i] = each()
  end
  return found
end

local function pair()
  local first = text()
  return {first, text()}
end

local asked = {birth = text(), version = number(), seen = number(), position = number(), plan = text()}
asked.supposed = list(function()
  local first, last = text(), text()
  return {first = first, last = last, values = list(text)}
end)
asked.counts = list(function()
  local n, begins = number(), text()
  return {n = n, begins = begins, steps = list(pair)}
end)
asked.extremes, asked.numbered, asked.puts = list(pair), list(pair), list(pair)
asked.gets, asked.before = list(text), list(text)
asked.windows = list(function()
  local first, last, most, skip, cap = text(), text(), number(), number(), number()
  return {first = first, last = last, most = most, skip = skip, cap = cap, pieces = list(pair)}
end)

-- Whether it may be taken

local held = call('HMGET', meta, 'birth', 'version')
local version = tonumber(held[2] or '0')
if held[1] ~= asked.birth or call('ZCARD', order) ~= call('HLEN', values) then
  return {'lost'}
end
if asked.version and asked.version ~= version then
  return {'taken'}
end

local function whole(packed)
  local high, low = unpacked('>I4I4', packed)
  return (high - SIGN) * LIMB + low
end

local function packed_whole(one)
  local high = math.floor(one / LIMB)
  return pack('>I4I4', high + SIGN, one - high * LIMB)
end

local position, seq8 = 0, ''
if asked.seen then
  local packed = call('HGET', values, POSITION)
  local reached = packed and whole(packed) or 0
  if reached < asked.seen then
    return {'lost'}
  end
  position = asked.position or reached + 1
  if asked.plan ~= '' then
    if position <= reached then
      return {'passed', reached}
    end
    seq8 = packed_whole(position)
  else
    position = reached
  end
end

local function range(first, last, most)
  -- Returns the keys from one on, before another, and their values.
  local keys = call('ZRANGEBYLEX', order, '[' .. first, last == '' and '+' or '(' .. last, 'LIMIT', 0, most)
  if #keys == 0 then
    return keys, keys
  end
  return keys, call('HMGET', values, unpack(keys))
end

local function all(first, last, each, most)
  -- Calls a function with every entry from a key on, before another, until it returns false; reads so many at once.
  local from = first
  most = most or AT_ONCE
  while true do
    local keys, found = range(from, last, most)
    for i = 1, #keys do
      if each(keys[i], found[i]) == false then
        return
      end
    end
    if #keys < most then
      return
    end
    from = keys[#keys] .. '\0'
  end
end

if #asked.supposed > 0 then
  local truth, is_true = {}, true
  for i, one in ipairs(asked.supposed) do
    local found = {}
    if one.last == '' then
      local value = call('HGET', values, one.first)
      found = value and {value} or {}
    else
      all(one.first, one.last, function(_, value) found[#found + 1] = value end)
    end
    truth[i] = found
    is_true = is_true and #found == #one.values
    for j = 1, #found do
      is_true = is_true and found[j] == one.values[j]
    end
  end
  if not is_true then
    return {'other', truth}
  end
end

-- What it changes, before any of it is written

local changed = {}
local function put(key, value)
  changed[#changed + 1] = key
  changed[#changed + 1] = value
end

local function plus(totals, weights, n)
  -- Returns the sum of two rows of numbers.
  local sum = {}
  for i = 1, 2 * n, 2 do
    local high, low = totals[i] + weights[i], totals[i + 1] + weights[i + 1]
    if low >= LIMB then
      high, low = high + 1, low - LIMB
    end
    sum[i], sum[i + 1] = high, low
  end
  return sum
end

local function beyond(totals, n)
  -- Returns the place, from 0, of a number of 2**62 or more, or -2**62 or less; nil where there is none.
  for i = 1, 2 * n, 2 do
    local high = totals[i]
    if high >= HIGHEST or high < -HIGHEST or (high == -HIGHEST and totals[i + 1] == 0) then
      return (i - 1) / 2
    end
  end
end

local function earlier(one, other, at)
  -- Whether the moment that begins at a place of one key is before that of another key.
  local a, b = {unpacked('>I4I4I4I4', one, at)}, {unpacked('>I4I4I4I4', other, at)}
  for i = 1, 4 do
    if a[i] ~= b[i] then
      return a[i] < b[i]
    end
  end
  return false
end

local function count(totals)
  -- Lets weights count in a list of running totals from one moment on, or several.
  local n, begins = totals.n, totals.begins
  local shape = '>' .. string.rep('i4I4', n)
  local function read(packed)
    local found = {unpacked(shape, packed)}
    found[2 * n + 1] = nil
    return found
  end
  local nothing = read(string.rep('\0', 8 * n))
  local first = begins .. totals.steps[1][1] .. seq8
  local before = call('ZREVRANGEBYLEX', order, '(' .. first, '[' .. begins, 'LIMIT', 0, 1)[1]
  local total = before and read(call('HGET', values, before)) or nothing
  local sum, step, place = nothing, 1, nil
  local function write(key)
    local found = plus(total, sum, n)
    place = place or beyond(found, n)
    if not place then
      put(key, pack(shape, unpack(found)))
    end
  end
  local steps = {}
  for i, one in ipairs(totals.steps) do
    steps[i] = {begins .. one[1] .. seq8, read(one[2])}
  end
  local function pass(later)
    -- Writes the steps that come before a later entry; no entry stands where a step does, since its place is new.
    while steps[step] and (not later or earlier(steps[step][1], later, #begins + 1)) do
      sum = plus(sum, steps[step][2], n)
      write(steps[step][1])
      step = step + 1
    end
  end
  all(first, begins .. string.rep('\255', 17), function(key, packed)
    pass(key)
    total = read(packed)
    write(key)
    return not place
  end)
  if not place then
    pass(nil)
  end
  return place
end

local function extreme(key, packed)
  -- Lets a tile know one more value, as its smallest and its largest.
  local known = call('HGET', values, key)
  if not known then
    return put(key, packed .. packed)
  end
  local high, low = unpacked('>I4I4', packed)
  local high1, low1, high2, low2 = unpacked('>I4I4I4I4', known)
  local smallest, largest = known:sub(1, 8), known:sub(9)
  if high < high1 or (high == high1 and low < low1) then
    smallest = packed
  end
  if high > high2 or (high == high2 and low > low2) then
    largest = packed
  end
  put(key, smallest .. largest)
end

for i, totals in ipairs(asked.counts) do
  local place = count(totals)
  if place then
    return {'beyond', i - 1, place}
  end
end
for _, pair in ipairs(asked.extremes) do
  extreme(pair[1], pair[2])
end
for _, pair in ipairs(asked.numbered) do
  put(pair[1] .. seq8, pair[2])
end
for _, pair in ipairs(asked.puts) do
  put(pair[1], pair[2])
end
if asked.plan ~= '' then
  put(PLAN, asked.plan)
  put(POSITION, packed_whole(position))
end

-- Now it is written

for from = 1, #changed, 2 * AT_ONCE do
  local scores, fields, n = {}, {}, 0
  for i = from, math.min(from + 2 * AT_ONCE, #changed + 1) - 1, 2 do
    n = n + 2
    scores[n - 1], scores[n] = 0, changed[i]
    fields[n - 1], fields[n] = changed[i], changed[i + 1]
  end
  call('HSET', values, unpack(fields))
  call('ZADD', order, unpack(scores))
end
if #changed > 0 then
  version = call('HINCRBY', meta, 'version', 1)
end

-- What it reads

local found = {}
for i, key in ipairs(asked.gets) do
  found[i] = call('HGET', values, key)
end

local before = {}
for i, key in ipairs(asked.before) do
  before[i] = call('ZREVRANGEBYLEX', order, '(' .. key, '-', 'LIMIT', 0, 1)[1] or ''
end
local stood = {}
for from = 1, #before, AT_ONCE do -- one call for the values of all; no key is empty
  local some = call('HMGET', values, unpack(before, from, math.min(from + AT_ONCE - 1, #before)))
  for i = 1, #some do
    stood[from + i - 1] = some[i]
  end
end

local stretches = {}
local function told(first, last, most, each)
  local entries = {}
  all(first, last, function(key, value)
    entries[#entries + 1] = key
    entries[#entries + 1] = value
    return #entries < 2 * most and (not each or each(key, value))
  end, math.min(most, AT_ONCE))
  stretches[#stretches + 1] = entries
  return #entries / 2
end

for _, window in ipairs(asked.windows) do
  -- A few events tell a window; where there are more, its tiles do, until there are more different values than asked.
  local n = told(window.first, window.last, window.most)
  local n_different, different = 0, {}
  local function is_open(key, value)
    local one = key:sub(window.skip + 1)
    if key:byte(1) == TRACK then
      one = value
    end
    if #one <= 32 and not different[one] then -- a longer one is a digest in a tile: it is told apart where it is read
      different[one], n_different = true, n_different + 1
    end
    return window.cap < 0 or n_different <= window.cap
  end
  if n >= window.most then
    for _, piece in ipairs(window.pieces) do
      if window.cap >= 0 and n_different > window.cap then
        stretches[#stretches + 1] = {}
      else
        told(piece[1], piece[2], math.huge, is_open)
      end
    end
  end
end

return {'done', position, version, found, before, stood, stretches}
