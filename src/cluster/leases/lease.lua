#!lua flags=allow-oom
-- One step of the lease protocol: a replica says that it is there and, where a ledger is named, what it has spent and holds of
-- it, and is told what it may hold from now on. See docs/cluster.md for the rules. Nothing here depends on a replica's clock:
-- times are the tier's, and what a replica reports is an age.
--
-- KEYS: the state of the cluster, and a ledger (optional). A ledger has a record for each replica, which only that replica
-- changes, except after a loss, when the others put back what they remember of it.
local state_key, ledger_key = KEYS[1], KEYS[2]
local me, nonce, known, leaving = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local silence, lease, late, window = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local bucket, advance, longest = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local acknowledged, complete, upload = tonumber(ARGV[12]), ARGV[13], ARGV[14]
-- From a grant, so long may a call under it count.
local horizon = longest + late + window

local function hash(key)
  local flat, map = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

local function int(number) return string.format('%.0f', number) end

local state, members, anybody = hash(state_key), {}, false
for field, value in pairs(state) do
  local id = string.match(field, '^m:(%w+)$')
  if id then
    local joined, seen, gone, saw, done = string.match(value, '^(%d+),(%d+),(%d+),(%d+),(%d)$')
    if joined then
      members[id] = {
        joined = tonumber(joined), seen = tonumber(seen), gone = tonumber(gone), saw = tonumber(saw), done = done,
      }
      if members[id].gone == 0 then anybody = true end
    end
  end
end

-- The time. Where the server's clock is set back, it stands still until it is reached again. Where the clock is set forward, it
-- goes on slowly: with replicas there, a step follows soon upon another. Either way calls count for longer, never for less.
local time = redis.call('TIME')
local wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or 'unknown'
local offset, last = tonumber(state.offset or 0), tonumber(state.last or 0)
local now = wall - offset
if now < last then now = last end
if anybody and now - last > advance then now = last + advance end
offset, last = wall - now, now

-- A new epoch: the tier has lost its data, or may have lost some.
if not state.epoch or state.run ~= run then
  if not state.epoch then
    state.half_until = now + horizon
    state.blank = '1'
  end
  state.epoch, state.run, state.born, state.ready = nonce, run, now, now + lease
  for _, member in pairs(members) do
    member.joined, member.seen, member.saw, member.done = now, now, 0, '0'
  end
end
local born, ready = tonumber(state.born), tonumber(state.ready)

local mine = members[me]
if not mine then
  mine = { joined = now, gone = 0, saw = 0, done = '0' }
  members[me] = mine
elseif mine.gone > 0 then
  mine.joined, mine.gone = now, 0
end
mine.seen = now

local current = known == state.epoch
if current then
  if acknowledged > mine.saw then mine.saw = acknowledged end
  mine.done = complete
  -- What the replica remembers of the epoch before: for how long half counts as spent, and who was there.
  local half, listed = string.match(upload, '^(%d+);(.*)$')
  if half then
    local half_until = now + tonumber(half)
    if state.blank == '1' or half_until > tonumber(state.half_until or 0) then state.half_until = half_until end
    state.blank = '0'
    for id, gone in string.gmatch(listed, '(%w+),(%d);') do
      if not members[id] then
        members[id] = { joined = now, seen = now, gone = gone == '1' and now or 0, saw = 0, done = '0' }
      end
    end
  end
end

-- A replica that stops says so: what it has reported is its last.
if leaving == '1' then mine.gone = now end

local live, eligible, list, changes, removals = 0, now >= ready, {}, {}, {}
for id, member in pairs(members) do
  if member.gone == 0 and now - member.seen > silence then member.gone = now end
  if member.gone > 0 and now - member.gone > horizon then
    table.insert(removals, 'm:' .. id)
    members[id] = nil
  else
    if member.gone == 0 then
      live = live + 1
      -- A replica that may have to report for this one knows that it is there.
      if id ~= me and member.saw < mine.joined then eligible = false end
    end
    table.insert(list, id .. ',' .. int(member.gone) .. ',' .. member.done)
    local entry = int(member.joined) .. ',' .. int(member.seen) .. ',' .. int(member.gone) .. ',' .. int(member.saw)
      .. ',' .. member.done
    if state['m:' .. id] ~= entry then
      table.insert(changes, 'm:' .. id)
      table.insert(changes, entry)
    end
  end
end
for _, field in ipairs({ 'epoch', 'run', 'blank' }) do
  table.insert(changes, field)
  table.insert(changes, state[field] or '0')
end
for field, value in pairs({ born = born, ready = ready, half_until = tonumber(state.half_until or 0), offset = offset, last = last }) do
  table.insert(changes, field)
  table.insert(changes, int(value))
end
redis.call('HSET', state_key, unpack(changes))
if #removals > 0 then redis.call('HDEL', state_key, unpack(removals)) end

local half_left = math.max(0, tonumber(state.half_until or 0) - now)
local copies = string.match(redis.call('INFO', 'replication'), 'connected_slaves:(%d+)') or '0'
local reply = {
  'ok', state.epoch, int(now), int(math.max(0, ready - now)), eligible and '1' or '0', tostring(math.max(1, live)), int(half_left),
  copies, table.concat(list, ';'),
}
if not current then
  reply[1] = 'epoch'
  return reply
end
if not ledger_key then return reply end

-- A record: `seq|flag|unused,until|offline unused,until|end:calls,…|payer:calls,…`. Flags: `o` reported by its replica in this
-- epoch, `f` put back and known to be its last, `w` put back by one who may have missed the last, `u` put back while its replica
-- was not known to be gone.
local function parse(text)
  local seq, flag, k, till, ok, otill, ends, payers =
    string.match(text, '^(%d+)|(%a)|(%d+),(%d+)|(%d+),(%d+)|([%d:,]*)|([%x:,]*)$')
  if not seq then return nil end
  return {
    seq = tonumber(seq), flag = flag, k = tonumber(k), till = tonumber(till), ok = tonumber(ok), otill = tonumber(otill),
    ends = ends, payers = payers,
  }
end

local function text(record)
  return int(record.seq) .. '|' .. record.flag .. '|' .. int(record.k) .. ',' .. int(record.till) .. '|'
    .. int(record.ok) .. ',' .. int(record.otill) .. '|' .. record.ends .. '|' .. record.payers
end

-- Ends that a replica reports, as distances from now, as times.
local function absolute(relative)
  local sums, order = {}, {}
  for distance, calls in string.gmatch(relative, '(-?%d+):(%d+)') do
    local at = math.ceil((now + tonumber(distance)) / bucket) * bucket
    if at + window > now then
      if not sums[at] then table.insert(order, at) end
      sums[at] = (sums[at] or 0) + tonumber(calls)
    end
  end
  table.sort(order)
  local parts = {}
  for _, at in ipairs(order) do table.insert(parts, int(at) .. ':' .. int(sums[at])) end
  return table.concat(parts, ',')
end

local function booked(record)
  local sum = 0
  for at, calls in string.gmatch(record.ends, '(%d+):(%d+)') do
    if tonumber(at) + window > now then sum = sum + tonumber(calls) end
  end
  if record.till + late + window > now then sum = sum + record.k end
  if record.otill + late + window > now then sum = sum + record.ok end
  return sum
end

local seq, unused, unused_left, want = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])
local offline, offline_left, offline_want = tonumber(ARGV[19]), tonumber(ARGV[20]), tonumber(ARGV[21])
local ends, payers, spendable, proxies, remembers = ARGV[22], ARGV[23], tonumber(ARGV[24]), ARGV[25], ARGV[26]

local ledger, records = hash(ledger_key), {}
local first_in_epoch = ledger.epoch ~= state.epoch
for field, value in pairs(ledger) do
  local id = string.match(field, '^r:(%w+)$')
  local record = id and parse(value)
  if record then
    if first_in_epoch then
      local member = members[id]
      if member and member.gone == 0 then
        record.flag = 'u'
      elseif member and tonumber(ledger.at or 0) < member.gone and record.flag ~= 'u' then
        record.flag = 'w'
      elseif record.flag == 'o' then
        record.flag = 'f'
      end
    end
    records[id] = record
  end
end
local vouched = ledger.epoch and (first_in_epoch or ledger.vouched == '1') or remembers == '1'

if records[me] and records[me].flag == 'o' and seq <= records[me].seq then
  reply[1] = 'late'
  return reply
end

-- What this replica remembers of others.
for id, proxy_seq, final, k, left, ok, oleft, proxy_ends, proxy_payers in
  string.gmatch(proxies, '(%w+)|(%d+)|([fuw])|(%d+),(%d+)|(%d+),(%d+)|([-%d:,]*)|([%x:,]*)/') do
  local there = records[id]
  local number = tonumber(proxy_seq)
  local newer = not there or number > there.seq
    or (number == there.seq and (final == 'u' or (final == 'f' and there.flag == 'w')))
  if id ~= me and newer and not (there and there.flag == 'o') then
    records[id] = {
      seq = number, flag = final, k = tonumber(k), till = now + tonumber(left), ok = tonumber(ok),
      otill = now + tonumber(oleft), ends = absolute(proxy_ends), payers = proxy_payers,
    }
  end
end

local record = {
  seq = seq, flag = 'o', k = unused, till = now + unused_left, ok = offline, otill = now + offline_left,
  ends = absolute(ends), payers = payers,
}
records[me] = record

local total, unsure, dropped = 0, false, {}
for id, other in pairs(records) do
  local member = members[id]
  local open = other.flag == 'u' or other.flag == 'w'
  if open and member and member.done == '1' then
    -- It has reported everything, and nothing here.
    table.insert(dropped, 'r:' .. id)
    records[id] = nil
  else
    local calls = booked(other)
    if open then
      if now >= born + horizon then other.flag = 'f' else unsure = true end
    end
    if calls == 0 and id ~= me and other.flag == 'f' then
      table.insert(dropped, 'r:' .. id)
      records[id] = nil
    else
      total = total + calls
    end
  end
end

-- Where it is unknown what was spent, half counts as spent for as long as any of it could count.
local half = 0
if half_left > 0 then
  half = math.floor(spendable / 2)
elseif not vouched and now < born + horizon and born > 0 then
  for _, member in pairs(members) do
    if member.done ~= '1' then half = math.floor(spendable / 2) end
  end
end

local refused = ''
if not eligible or leaving == '1' then refused = 'joining' elseif unsure then refused = 'unsure' end
local extended, granted, offline_granted = 0, 0, 0
if refused == '' then
  local available = math.max(0, spendable - total - half)
  -- The nearer the end of the plan, the less one replica takes at once.
  granted = math.max(0, math.min(want - unused, available, math.max(1, math.floor(available / (2 * math.max(1, live))))))
  offline_granted = math.max(0, math.min(offline_want - offline, available - granted))
  record.k, record.ok = unused + granted, offline + offline_granted
  record.till, record.otill = now + lease, now + window
  extended = 1
  if want > unused and granted == 0 then refused = 'spent' end
end

local writes, others = { 'epoch', state.epoch, 'at', int(now), 'vouched', vouched and '1' or '0', 'r:' .. me, text(record) }, {}
for id, other in pairs(records) do
  if id ~= me then
    local line = text(other)
    table.insert(others, id .. '|' .. line)
    if ledger['r:' .. id] ~= line then
      table.insert(writes, 'r:' .. id)
      table.insert(writes, line)
    end
  end
end
redis.call('HSET', ledger_key, unpack(writes))
if #dropped > 0 then redis.call('HDEL', ledger_key, unpack(dropped)) end
redis.call('PEXPIRE', ledger_key, int(2 * horizon))

for _, value in ipairs({
  refused, tostring(extended), int(record.k), int(record.ok), int(half), int(total),
  table.concat(others, '/'),
}) do table.insert(reply, value) end
return reply
