import { Fault } from '../fault.ts';
import { parsePort } from './port.ts';

/** What the URL of a Redis names. */
export interface RedisServer {
  /** `single`: one server; `sentinel`: sentinels that know which one is the master; `cluster`: some nodes of a cluster. */
  readonly mode: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string | null;
  readonly password: string | null;
  /** Number of the database; always 0 in a cluster. */
  readonly database: number;
  /** What sentinels call the master; null otherwise. */
  readonly master: string | null;
}

const FORM =
  'write it like redis://localhost:6379 or rediss://user:password@redis.example.com/0, redis+sentinel://HOST,HOST/MASTER or redis+cluster://HOST,HOST';

/** The password may hold any character: what counts is the last `@` before the hosts. */
const URL_FORM =
  /^(?<scheme>rediss?(?:\+(?:sentinel|cluster))?):\/\/(?:(?<user>[^:@/]*)(?::(?<password>.*))?@)?(?<hosts>[^@/?#]+)(?<path>(?:\/[^@?#]*)?)$/is;

/**
 * The URL of a Redis server, of its sentinels, or of nodes of a cluster; as it was written. `rediss` is with TLS. The path
 * is the number of the database; for sentinels it begins with the name of the master.
 */
export function parseRedisUrl(text: string): string | Fault {
  const server = redisServer(text);
  return server instanceof Fault ? server : text;
}

/** What a URL names, with what it leaves out filled in. */
export function redisServer(text: string): RedisServer | Fault {
  const parts = /[\s\p{C}]/u.test(text) ? undefined : URL_FORM.exec(text)?.groups;
  if (parts === undefined) return new Fault('invalid-url', 'does not name a Redis server', FORM);
  const [tlsScheme = '', kind] = (parts['scheme'] ?? '').toLowerCase().split('+');
  const mode = kind === 'sentinel' ? 'sentinel' : kind === 'cluster' ? 'cluster' : 'single';
  const hosts = (parts['hosts'] ?? '').split(',').map((host) => readHost(host, mode));
  if (hosts.includes(null) || (mode === 'single' && hosts.length > 1)) {
    return new Fault('invalid-url', 'does not name a Redis server', FORM);
  }
  const segments = (parts['path'] ?? '').split('/').slice(1);
  const master = mode === 'sentinel' ? decoded(segments.shift() ?? '') : null;
  if (master === '') {
    return new Fault(
      'invalid-url',
      'has no name of a master as its path',
      'write it like redis+sentinel://HOST:26379/mymaster',
    );
  }
  const [database = ''] = segments;
  if (segments.length > 1 || !/^\d{0,5}$/.test(database) || (mode === 'cluster' && Number(database) > 0)) {
    return new Fault('invalid-url', 'has no database number as its path', FORM);
  }
  return {
    mode,
    tls: tlsScheme === 'rediss',
    hosts: hosts.flatMap((host) => host ?? []),
    user: parts['user'] === undefined || parts['user'] === '' ? null : decoded(parts['user']),
    password: parts['password'] === undefined ? null : decoded(parts['password']),
    database: Number(database),
    master,
  };
}

/** The URL with its password replaced by `mask`. */
export function withoutRedisPassword(text: string, mask: string): string {
  const { scheme, user, password, hosts, path } = URL_FORM.exec(text)?.groups ?? {};
  return password === undefined ? text : `${scheme}://${user}:${mask}@${hosts}${path}`;
}

function readHost(text: string, mode: RedisServer['mode']): RedisServer['hosts'][number] | null {
  const [, bracketed, bare, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = bracketed ?? bare;
  const port = digits === undefined ? (mode === 'sentinel' ? 26_379 : 6_379) : parsePort(digits);
  if (host === undefined || port === null || port === 0) return null;
  return bracketed !== undefined || /^[\w.-]+$/.test(host) ? { host, port } : null;
}

/** Percent signs that encode nothing stand for themselves: passwords are seldom made for URLs. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
