import { script } from './connection.ts';

/** Every write counts, so that a database that has lost some can be told from one that has not. */
const COUNT = "redis.call('HINCRBY', KEYS[1], 'writes', 1)";

/**
 * Takes a lock, or finds that this very request has taken it already: an answer may get lost.
 * KEYS: lock, fence. ARGV: token, life in ms. Returns the fence, or false when somebody has it.
 */
export const TAKE_LOCK = script(`
local holder = redis.call('GET', KEYS[1])
if holder == false then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return redis.call('INCR', KEYS[2])
end
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return redis.call('INCR', KEYS[2])
end
return false`);

/** KEYS: lock. ARGV: token, life in ms. Returns 1, or 0 when it is not this holder's any more. */
export const EXTEND_LOCK = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/** KEYS: lock. ARGV: token. */
export const GIVE_LOCK = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/**
 * Puts a certificate in force if the lock is still held and nobody with a later fence has stored one, and forgets the
 * order that it came from. KEYS: epoch, lock, certificate, index, issuers, notes of orders.
 * ARGV: token, fence, place, issuer, meta, pem, channel, message, field of the note.
 * Returns how many writes there were, or -1 when the lock is lost.
 */
export const SAVE_CERTIFICATE = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
local known = redis.call('HMGET', KEYS[3], 'fence', 'generation', 'meta', 'pem')
if known[1] and tonumber(known[1]) > tonumber(ARGV[2]) then return -1 end
local generation = (tonumber(known[2]) or 0) + 1
if known[3] and known[4] then
  redis.call('HSET', KEYS[3], (generation - 1) .. ':meta', known[3], (generation - 1) .. ':pem', known[4])
end
redis.call('HDEL', KEYS[3], (generation - 3) .. ':meta', (generation - 3) .. ':pem')
redis.call('HSET', KEYS[3], 'fence', ARGV[2], 'generation', generation, 'meta', ARGV[5], 'pem', ARGV[6])
redis.call('HSET', KEYS[4], ARGV[3], ARGV[5])
redis.call('SADD', KEYS[5], ARGV[4])
redis.call('HDEL', KEYS[6], ARGV[9])
local writes = ${COUNT}
redis.call('PUBLISH', ARGV[7], ARGV[8])
return writes`);

/** KEYS: index, issuers. ARGV: id. Returns the facts of every issuer's certificate for it. */
export const FIND_CERTIFICATES = script(`
local found = {}
for _, issuer in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local meta = redis.call('HGET', KEYS[1], issuer .. '/' .. ARGV[1])
  if meta then found[#found + 1] = meta end
end
return found`);

/** KEYS: certificates. Returns chain and key of each, as they are stored: one answer instead of hundreds. */
export const READ_PEMS = script(`
local found = {}
for index, key in ipairs(KEYS) do found[index] = redis.call('HGET', key, 'pem') end
return found`);

/**
 * KEYS: hashes. ARGV: how a sealed value begins, a pattern of the names of fields. Returns how many values begin
 * otherwise.
 */
export const COUNT_UNSEALED = script(`
local count = 0
for _, key in ipairs(KEYS) do
  local parts = redis.call('HGETALL', key)
  for index = 1, #parts, 2 do
    local sealed = string.sub(parts[index + 1], 1, #ARGV[1]) == ARGV[1]
    if string.find(parts[index], ARGV[2]) and not sealed then count = count + 1 end
  end
end
return count`);

/** KEYS: epoch, hash. ARGV: field, value, channel, message. Returns how many writes there were. */
export const WRITE_FIELD = script(`
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local writes = ${COUNT}
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return writes`);

/**
 * Writes a field if the lock is still held; an empty value removes it. KEYS: epoch, lock, hash. ARGV: token, field, value.
 * Returns how many fields there are more or less, or -1 when the lock is lost.
 */
export const CHANGE_FIELD_UNDER_LOCK = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
${COUNT}
if ARGV[3] == '' then return redis.call('HDEL', KEYS[3], ARGV[2]) end
return redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])`);

/** KEYS: epoch, hash. ARGV: field, channel, message. */
export const REMOVE_FIELD = script(`
local removed = redis.call('HDEL', KEYS[2], ARGV[1])
if removed == 1 then
  ${COUNT}
  if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
end
return removed`);

/**
 * KEYS: epoch, hash. ARGV: field, value as it was read, value, channel, message; an empty value as it was read = the
 * field is not there. Returns how many writes there were, or 0 when it is another one now.
 */
export const REPLACE_FIELD = script(`
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
local writes = ${COUNT}
if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return writes`);

/**
 * Shows that a daemon lives, and forgets those that have not for too long; by the clock of Redis, since those of the
 * daemons differ. KEYS: epoch, alive, nodes. ARGV: node, what it is, life in ms. Returns writes and losses.
 */
export const SHOW_LIFE = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[3], gone)
end
local epoch = redis.call('HMGET', KEYS[1], 'writes', 'losses')
return { tonumber(epoch[1]) or 0, tonumber(epoch[2]) or 0 }`);

/** KEYS: alive, nodes. ARGV: life in ms. Returns what each living daemon said of itself. */
export const LIVING = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now - ARGV[1], '+inf')) do
  found[#found + 1] = redis.call('HGET', KEYS[2], node) or ''
end
return found`);

/**
 * Says that writes were lost, so that everybody else puts back what he has, too.
 * KEYS: epoch. ARGV: writes that were known. Returns writes and losses.
 */
export const COUNT_LOSS = script(`
local writes = tonumber(redis.call('HGET', KEYS[1], 'writes')) or 0
if writes <= tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'writes', ARGV[1] + 1) end
return { tonumber(redis.call('HGET', KEYS[1], 'writes')), redis.call('HINCRBY', KEYS[1], 'losses', 1) }`);
