import type { ServingSettings } from '../snapshot/snapshot.ts';
import { FIELD } from './codec/field-kind.ts';
import type { FieldTable } from './codec/field-table.ts';
import { ownBytes, type ToldFields } from './connection-memo.ts';
import type { RawHeaders, RequestHead } from './exchange.ts';
import { connectionFields } from './hop-by-hop.ts';
import { eachField, fieldLines, tokensOf, valuesOf } from './raw-headers.ts';
import type { RequestTarget } from './request-target.ts';
import { isTrusted, plainAddress } from './trusted-peers.ts';

/** Fields as {@link UpstreamRequest} has them. */
export interface UpstreamFields {
  readonly headers: RawHeaders;
  readonly passed?: FieldTable;
  readonly told?: Buffer;
}

/**
 * The header fields for the upstream: those of the client that go further, and what rigil says about the client.
 *
 * `Host` is what the client asked for. `X-Forwarded-For`, `-Host` and `-Proto` are told by rigil alone, unless the
 * peer is one of the trusted proxies: then it goes on with their list and keeps what they say. Other fields by which
 * a client could pretend to be somebody else never pass. Framing is left to the engine.
 *
 * @param user the fields that name the user, where the network knows them
 */
export function upstreamHeaders(
  request: RequestHead,
  target: RequestTarget,
  settings: ServingSettings,
  user: RawHeaders = NOBODY,
): string[] {
  const headers = ['Host', target.authority.text];
  const dropped = connectionFields(request.headers);
  let cookie = -1;
  eachField(request.headers, (name, value) => {
    const key = name.toLowerCase();
    if (dropped.has(key) || isOurs(key)) return;
    // HTTP/2 clients send one cookie a field; HTTP/1.1 has one field for all (RFC 9113 8.2.3).
    if (key === 'cookie' && request.protocol === 'HTTP/2') {
      if (cookie >= 0) {
        headers[cookie] += `; ${value}`;
        return;
      }
      cookie = headers.length + 1;
    }
    headers.push(name, value);
  });
  if (tokensOf(request.headers, 'te').includes('trailers')) headers.push('TE', 'trailers');
  headers.push(...forwardedFields(request, target, settings), ...user);
  return headers;
}

/** {@link upstreamHeaders}, without a look at each of the client's lines where they lie in a table. */
export function upstreamFields(
  request: RequestHead,
  target: RequestTarget,
  settings: ServingSettings,
  user: RawHeaders = NOBODY,
): UpstreamFields {
  const { table } = request;
  if (table === undefined) return { headers: upstreamHeaders(request, target, settings, user) };
  if (table.find(FIELD.te) >= 0 && tokensOf(request.headers, 'te').includes('trailers')) {
    const forwarded = forwardedFields(request, target, settings);
    return {
      headers: ['Host', target.authority.text, 'TE', 'trailers', ...forwarded, ...user],
      passed: table,
    };
  }
  if (user.length > 0) {
    const forwarded = forwardedFields(request, target, settings);
    return { headers: ['Host', target.authority.text, ...forwarded, ...user], passed: table };
  }
  const { headers, lines } = toldFields(request, target, settings);
  return { headers, passed: table, told: lines };
}

/** What a client is told to be changes with the host it asks for and the settings, unless it tells something itself. */
function toldFields(request: RequestHead, target: RequestTarget, settings: ServingSettings): ToldFields {
  const { memo, remoteAddress } = request;
  const { authority } = target;
  const known = memo?.told;
  if (known?.authority === authority && known.settings === settings) return known;
  const forwarded = forwardedFields(request, target, settings);
  const lines = ownBytes(fieldLines(forwarded));
  const told = { authority, settings, headers: ['Host', authority.text, ...forwarded], lines };
  const trusted = remoteAddress !== null && isTrusted(plainAddress(remoteAddress), settings);
  if (memo !== undefined && !trusted) memo.told = told;
  return told;
}

/** `X-Forwarded-For`, `-Host` and `-Proto`. The first is missing when the peer has no address (a Unix socket). */
export function forwardedFields(
  request: RequestHead,
  target: RequestTarget,
  settings: ServingSettings,
): string[] {
  const peer = request.remoteAddress === null ? null : plainAddress(request.remoteAddress);
  const host = target.authority.text;
  if (peer === null) return ['X-Forwarded-Host', host, 'X-Forwarded-Proto', request.scheme];
  if (!isTrusted(peer, settings)) {
    return ['X-Forwarded-For', peer, 'X-Forwarded-Host', host, 'X-Forwarded-Proto', request.scheme];
  }
  const told = (name: string) => joined(request.headers, name);
  const before = told('x-forwarded-for');
  return [
    'X-Forwarded-For',
    before === null ? peer : `${before}, ${peer}`,
    'X-Forwarded-Host',
    told('x-forwarded-host') ?? host,
    'X-Forwarded-Proto',
    told('x-forwarded-proto') ?? request.scheme,
  ];
}

/** All lines of a list field as one, or null when there is nothing in them. */
function joined(headers: RawHeaders, name: string): string | null {
  const values = valuesOf(headers, name).filter((value) => value !== '');
  return values.length === 0 ? null : values.join(', ');
}

const NOBODY: RawHeaders = [];

/** Set by rigil, or never believed: a client's own are not passed on. */
const OURS: ReadonlySet<string> = new Set([
  'content-length',
  'forwarded',
  'host',
  'tailscale-user-login',
  'tailscale-user-name',
  'tailscale-user-profile-pic',
  'true-client-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** Also names that a CGI-style upstream could not tell from these, because it reads `_` and `-` alike. */
function isOurs(key: string): boolean {
  if (!key.includes('_')) return OURS.has(key);
  const alike = key.replaceAll('_', '-');
  return OURS.has(alike) || connectionFields([]).has(alike);
}
