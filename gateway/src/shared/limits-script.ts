/** Counting limits in Valkey or Redis: one script, one round trip for all the limits of a request, all or nothing. */
import { SLICE_SLOTS } from '../limits/meter.ts';
import { SLOTS } from '../limits/window.ts';

/** Places of a process that is not heard of for so long are free again. */
export const PLACES_MS = 15_000;

/**
 * KEYS: one a limit. ARGV: process, new epoch, then for each limit: windowMs (0: requests under way), max, need, want, debt,
 * own, epoch, number of pairs, pairs of slot and count that go back.
 * Gives for each limit: `drawn`, `dry`, or `not-needed` (another was dry, and nothing was drawn); slot, extra, rest, epoch, wait.
 * A window is a hash of slots, counted for as much longer as slices may be used; time is the server's, and what it counted
 * before its clock was set back is as of now. A hash that was lost is known by its epoch: then each process tells once what
 * it has used of the window itself.
 */
export const DRAW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local latest = now + ${PLACES_MS}
local me, fresh, at = ARGV[1], ARGV[2], 3
local rows, dry = {}, false
for i, key in ipairs(KEYS) do
  local r = { key = key, window = tonumber(ARGV[at]), max = tonumber(ARGV[at + 1]), need = tonumber(ARGV[at + 2]),
    want = tonumber(ARGV[at + 3]), debt = tonumber(ARGV[at + 4]), own = tonumber(ARGV[at + 5]), used = 0, wait = 0 }
  local known, pairs = ARGV[at + 6], tonumber(ARGV[at + 7])
  at = at + 8
  local all = redis.call('HGETALL', key)
  local slots = {}
  for f = 1, #all, 2 do slots[all[f]] = all[f + 1] end
  r.epoch = slots['e'] or fresh
  slots['e'] = nil
  local isNew = r.epoch ~= known
  if r.window == 0 then
    r.slot = 0
    local ended = 0
    for p = 1, pairs do
      ended = ended + tonumber(ARGV[at + 1])
      at = at + 2
    end
    for name, value in next, slots do
      local count, till = string.match(value, '(%-?%d+):(%d+)')
      if tonumber(till) < now then redis.call('HDEL', key, name)
      elseif name == me then r.mine = tonumber(count)
      else
        r.used = r.used + tonumber(count)
        if tonumber(till) > latest then redis.call('HSET', key, name, string.format('%s:%.0f', count, latest)) end
      end
    end
    if r.mine == nil or isNew or r.need == 0 then r.mine = r.own else r.mine = math.max(0, r.mine - ended) end
    r.used = r.used + r.mine
    if r.used + r.need > r.max then r.wait = 1000 end
  else
    local ms = r.window / ${SLOTS}
    r.slot = math.floor(now / ms)
    local oldest = r.slot - ${SLOTS + SLICE_SLOTS}
    for p = 1, pairs do
      local slot, back = ARGV[at], tonumber(ARGV[at + 1])
      at = at + 2
      if slots[slot] and not isNew then
        slots[slot] = math.max(0, slots[slot] - back)
        redis.call('HSET', key, slot, string.format('%.0f', slots[slot]))
      end
    end
    local add = isNew and r.own or r.debt
    if add > 0 then
      local slot = string.format('%.0f', r.slot)
      slots[slot] = (slots[slot] or 0) + add
      redis.call('HSET', key, slot, string.format('%.0f', slots[slot]))
    end
    local order, ahead = {}, 0
    for slot, count in next, slots do
      local s = tonumber(slot)
      if s > r.slot then ahead = ahead + tonumber(count) end
      if s < oldest or s > r.slot then redis.call('HDEL', key, slot)
      else
        r.used = r.used + tonumber(count)
        order[#order + 1] = s
      end
    end
    if ahead > 0 then
      local slot = string.format('%.0f', r.slot)
      if not slots[slot] then order[#order + 1] = r.slot end
      slots[slot] = (slots[slot] or 0) + ahead
      r.used = r.used + ahead
      redis.call('HSET', key, slot, string.format('%.0f', slots[slot]))
    end
    if r.need > 0 and r.used + r.need > r.max then
      table.sort(order)
      local left = r.used
      for _, s in ipairs(order) do
        left = left - tonumber(slots[string.format('%.0f', s)])
        r.wait = (s + ${SLOTS + SLICE_SLOTS + 1}) * ms - now
        if left + r.need <= r.max then break end
      end
      r.wait = math.max(1, math.ceil(r.wait))
    end
  end
  redis.call('HSET', key, 'e', r.epoch)
  if r.need > 0 and r.wait > 0 then dry = true end
  rows[i] = r
end
local out = {}
for i, r in ipairs(rows) do
  local take, extra = 0, 0
  if not dry then
    extra = math.max(0, math.min(r.want, math.floor((r.max - r.used - r.need) / 16)))
    take = r.need + extra
  end
  if r.window == 0 then
    redis.call('HSET', r.key, me, string.format('%.0f:%.0f', r.mine + take, latest))
    redis.call('PEXPIRE', r.key, ${PLACES_MS * 2})
  else
    if take > 0 then redis.call('HINCRBY', r.key, string.format('%.0f', r.slot), string.format('%.0f', take)) end
    redis.call('PEXPIRE', r.key, math.ceil(r.window * ${SLOTS + SLICE_SLOTS + 2} / ${SLOTS}))
  end
  local isDry = dry and r.wait > 0
  out[i] = { isDry and 'dry' or dry and 'not-needed' or 'drawn', string.format('%.0f', r.slot), string.format('%.0f', extra),
    string.format('%.0f', math.max(0, r.max - r.used - take)), r.epoch, string.format('%.0f', r.wait) }
end
return out
`;
