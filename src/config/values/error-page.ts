import type { ErrorPageRule } from '../config.ts';
import { Fault } from '../fault.ts';
import { formatUpstream, parseHostAndPort, UNREACHABLE } from './upstream.ts';

/** What `on_error CODE TARGET` asks for, and what is odd about it though Centauri takes it. */
export interface ErrorPageTarget {
  readonly upstream: ErrorPageRule['upstream'];
  readonly path: ErrorPageRule['path'];
  readonly doubts: readonly Fault[];
}

/** The status of `on_error`: 400 to 599. A sign and leading zeros are allowed, as in Go's `Atoi`. */
export function parseErrorStatus(text: string): number | Fault {
  const status = /^[+-]?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (status >= 400 && status <= 599) return status;
  return new Fault(
    'invalid-status',
    'is not a status from 400 to 599',
    'only answers with these can be replaced',
  );
}

/** `HOST[:PORT][/path[?query]]` with the readings of Centauri, odd ones included. */
export function parseErrorTarget(text: string): ErrorPageTarget | Fault {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  if (host === '')
    return new Fault('invalid-target', 'has no host before the path', 'write it like errors:8080/404');
  if (/[?#]/.test(host))
    return new Fault('invalid-target', 'has no path before the query', 'begin the path with /');
  const doubts: Fault[] = [];
  const address = parseHostAndPort(host, 80);
  if (/^(https?|unix):$/i.test(host)) {
    const meant = text.replace(/^\w+:\/*/, '');
    const hint = `did you mean "${meant}"?`;
    doubts.push(
      new Fault('unusable-upstream', `is read as the host "${host.slice(0, -1)}" and a path`, hint),
    );
  } else if (address === null) {
    const hint = 'write it like errors:8080/404; the original answer is sent instead';
    doubts.push(new Fault('unusable-upstream', 'begins with no host that could be reached', hint));
  }
  const path = slash < 0 ? null : parsePathAndQuery(text.slice(slash), doubts.length > 0 ? [] : doubts);
  if (path instanceof Fault) return path;
  return { upstream: address === null ? UNREACHABLE : { scheme: 'http', ...address }, path, doubts };
}

/** The target of `rule` as {@link parseErrorTarget} reads it. */
export function formatErrorTarget({ upstream, path }: ErrorPageRule): string {
  const host = formatUpstream(upstream);
  if (path === null) return host;
  // These two would be read as something else.
  if (path === '/') return `${host}/#`;
  return /^\/\/(?!\/)/.test(path) ? `${host}//-${path}` : host + path;
}

/** Path and query as they are sent, or null for those of the request. */
function parsePathAndQuery(text: string, doubts: Fault[]): string | null | Fault {
  if (text === '/') return null;
  const hash = text.indexOf('#');
  if (hash >= 0) {
    doubts.push(
      new Fault('ignored-part', 'has a fragment, which is never sent', 'leave out the # and what follows'),
    );
  }
  const sent = hash < 0 ? text : text.slice(0, hash);
  const mark = sent.indexOf('?');
  const query = mark < 0 ? '' : sent.slice(mark + 1);
  if (query === '' && text.includes('?'))
    return new Fault('invalid-target', 'has a ? with no query behind it');
  let path = mark < 0 ? sent : sent.slice(0, mark);
  if (path.startsWith('//') && !path.startsWith('///')) {
    const end = path.indexOf('/', 2);
    const dropped = end < 0 ? path : path.slice(0, end);
    path = end < 0 ? '' : path.slice(end);
    const message = `has two slashes before the path, so that "${dropped}" is taken for a host and left out`;
    doubts.push(new Fault('ignored-part', message, 'leave one slash'));
    if (path === '') return null;
  }
  const encoded = reencode(path);
  if (encoded === null)
    return new Fault('invalid-target', 'has a % that no two hex digits follow', 'write % as %25');
  return query === '' ? encoded : `${encoded}?${encodeQuery(query)}`;
}

/** The path decoded and encoded again, as Go does: `%2F` becomes `/`, `!` becomes `%21`. Null when a `%` is no escape. */
function reencode(path: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null;
  const bytes: number[] = [];
  const source = Buffer.from(path);
  for (let index = 0; index < source.length; index += 1) {
    const byte = source[index] ?? 0;
    if (byte === 0x25) {
      bytes.push(Number.parseInt(source.toString('latin1', index + 1, index + 3), 16));
      index += 2;
    } else bytes.push(byte);
  }
  return bytes
    .map((byte) => (PLAIN.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : hex(byte)))
    .join('');
}

/** Characters that Go's net/url leaves as they are in a path. */
const PLAIN = /^[A-Za-z0-9\-_.~$&+,/:;=@]$/;

function encodeQuery(query: string): string {
  return query.replace(/[^\x21-\x7e]+/g, (part) => [...Buffer.from(part)].map(hex).join(''));
}

function hex(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
