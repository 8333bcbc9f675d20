#!lua flags=allow-oom
-- A place in a line, each a gap after the one before. Times are the tier's, in microseconds.
--
-- KEYS: the line. ARGV: how far ahead the asker has seen the line go, and the gap after the new place.
local seen, gap = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local line, flat = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do line[flat[i]] = tonumber(flat[i + 1]) end
local next, last = line.next or 0, line.last or 0
-- Where the server's clock was set back, the line goes back with it.
if now < last then next = next - (last - now) end
-- Where the tier has lost the line, or its clock was set forward, the asker knows how far it went.
local place = math.max(now, next, now + seen)
local function int(number) return string.format('%.0f', number) end
redis.call('HSET', KEYS[1], 'next', int(place + gap), 'last', int(now))
redis.call('PEXPIRE', KEYS[1], int(math.ceil((place + gap - now) / 1000) + 1000))
return { int(place - now) }
