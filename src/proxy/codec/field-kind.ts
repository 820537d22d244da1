import { ascii, lowerCase } from './octets.ts';

/**
 * The field names that the data path treats in a special way, as small numbers.
 *
 * `other` is any other name. `removed` marks a line that must not be passed on. `lookalike` is a name that an upstream
 * with CGI habits cannot tell from one of these, because it reads `_` and `.` like `-` (`content_length`,
 * `X.Forwarded.For`): never what it seems to be, and never passed on. The two invalid ones and those of pseudo-fields
 * occur in HTTP/2 only.
 */
export const FIELD = {
  other: 0,
  removed: 1,
  lookalike: 2,
  invalidName: 3,
  invalidValue: 4,
  method: 5,
  scheme: 6,
  authority: 7,
  path: 8,
  protocol: 9,
  status: 10,
  unknownPseudo: 11,
  host: 12,
  contentLength: 13,
  transferEncoding: 14,
  connection: 15,
  keepAlive: 16,
  proxyConnection: 17,
  te: 18,
  trailer: 19,
  upgrade: 20,
  http2Settings: 21,
  expect: 22,
  cookie: 23,
  setCookie: 24,
  authorization: 25,
  proxyAuthorization: 26,
  proxyAuthenticate: 27,
  forwarded: 28,
  xForwardedFor: 29,
  xForwardedHost: 30,
  xForwardedProto: 31,
  xForwardedPort: 32,
  xRealIp: 33,
  trueClientIp: 34,
  date: 35,
  server: 36,
  via: 37,
  userAgent: 38,
  referer: 39,
  contentType: 40,
  priority: 41,
  location: 42,
  tailscaleUser: 43,
  contentEncoding: 44,
} as const;

const NAMES: readonly (readonly [name: string, kind: number])[] = [
  [':method', FIELD.method],
  [':scheme', FIELD.scheme],
  [':authority', FIELD.authority],
  [':path', FIELD.path],
  [':protocol', FIELD.protocol],
  [':status', FIELD.status],
  ['host', FIELD.host],
  ['content-length', FIELD.contentLength],
  ['transfer-encoding', FIELD.transferEncoding],
  ['connection', FIELD.connection],
  ['keep-alive', FIELD.keepAlive],
  ['proxy-connection', FIELD.proxyConnection],
  ['te', FIELD.te],
  ['trailer', FIELD.trailer],
  ['upgrade', FIELD.upgrade],
  ['http2-settings', FIELD.http2Settings],
  ['expect', FIELD.expect],
  ['cookie', FIELD.cookie],
  ['set-cookie', FIELD.setCookie],
  ['authorization', FIELD.authorization],
  ['proxy-authorization', FIELD.proxyAuthorization],
  ['proxy-authenticate', FIELD.proxyAuthenticate],
  ['forwarded', FIELD.forwarded],
  ['x-forwarded-for', FIELD.xForwardedFor],
  ['x-forwarded-host', FIELD.xForwardedHost],
  ['x-forwarded-proto', FIELD.xForwardedProto],
  ['x-forwarded-port', FIELD.xForwardedPort],
  ['x-real-ip', FIELD.xRealIp],
  ['true-client-ip', FIELD.trueClientIp],
  ['date', FIELD.date],
  ['server', FIELD.server],
  ['via', FIELD.via],
  ['user-agent', FIELD.userAgent],
  ['referer', FIELD.referer],
  ['content-type', FIELD.contentType],
  ['priority', FIELD.priority],
  ['location', FIELD.location],
  ['tailscale-user-login', FIELD.tailscaleUser],
  ['tailscale-user-name', FIELD.tailscaleUser],
  ['tailscale-user-profile-pic', FIELD.tailscaleUser],
  ['content-encoding', FIELD.contentEncoding],
];

/** Which kinds a writer leaves out: 1 at the index of each. Made by {@link cutting}. */
export type Cuts = Uint8Array;

/** A set of kinds to leave out. Marked and invalid lines, lookalikes and pseudo-fields are always among them. */
export function cutting(...kinds: readonly number[]): Cuts {
  const cuts = new Uint8Array(KINDS);
  for (let kind: number = FIELD.removed; kind <= FIELD.unknownPseudo; kind += 1) cuts[kind] = 1;
  for (const kind of kinds) cuts[kind] = 1;
  return cuts;
}

const KINDS = 64;

/**
 * What belongs to one connection and goes no further (RFC 9110 7.6.1), with what older software treats so. `trailer`
 * is not among them: trailers are passed on, and so is their announcement.
 */
export const HOP_BY_HOP: readonly number[] = [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
  FIELD.te,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.http2Settings,
];

/** The kind of the field name `bytes[from, to)`, which is a token, or a token after a colon. */
export function kindOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length > LONGEST) return FIELD.other;
  const candidates = CANDIDATES[slotOf(length, bytes[from] ?? 0)];
  if (candidates === undefined) return FIELD.other;
  for (const candidate of candidates) {
    const likeness = compare(bytes, from, candidate.name);
    if (likeness === SAME) return candidate.kind;
    if (likeness === ALIKE) return FIELD.lookalike;
  }
  return FIELD.other;
}

interface Candidate {
  readonly name: Uint8Array;
  readonly kind: number;
}

const LONGEST = Math.max(...NAMES.map(([name]) => name.length));

/** Names of one length and one first letter, whatever its case, share a slot; most slots are empty. */
function slotOf(length: number, first: number): number {
  return length * 32 + (first & 31);
}

const CANDIDATES: readonly (readonly Candidate[] | undefined)[] = Array.from(
  { length: slotOf(LONGEST + 1, 0) },
  (_, slot) => {
    const those = NAMES.filter(([name]) => slotOf(name.length, name.charCodeAt(0)) === slot);
    return those.length === 0 ? undefined : those.map(([name, kind]) => ({ name: ascii(name), kind }));
  },
);

const DIFFERENT = 0;
const SAME = 1;
const ALIKE = 2;

function compare(bytes: Uint8Array, from: number, name: Uint8Array): number {
  let likeness = SAME;
  for (let index = 0; index < name.length; index += 1) {
    const byte = bytes[from + index] ?? 0;
    const wanted = name[index];
    if (lowerCase(byte) === wanted) continue;
    if (wanted !== DASH || (byte !== UNDERSCORE && byte !== DOT)) return DIFFERENT;
    likeness = ALIKE;
  }
  return likeness;
}

const DASH = 0x2d;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
