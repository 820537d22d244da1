import { isIPv6 } from 'node:net';

/** Whom a request is for: the value of `Host` or `:authority` (RFC 9110 7.2), taken apart. */
export interface Authority {
  /** As it came. */
  readonly text: string;
  /** As it came, without port; with the brackets of an IPv6 address. */
  readonly host: string;
  /** For the routing table: lower case, without brackets and without the final dot. */
  readonly name: string;
  /** Null when there is none. */
  readonly port: string | null;
}

const AUTHORITY = /^([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{0,5}))?$/i;

/** Null when it is empty or cannot be a host: user names, spaces, lists, escapes and non-ASCII are refused. */
export function parseAuthority(text: string): Authority | null {
  if (text.length > LONGEST) return null;
  let authority = remembered.get(text);
  if (authority === undefined) {
    authority = read(text);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(text, authority);
  }
  return authority;
}

/** A host of 255 characters, and a port. */
const LONGEST = 261;

/** Requests name the same few hosts again and again. */
const remembered = new Map<string, Authority | null>();

/** However many others are asked for. */
const REMEMBERED = 1_000;

function read(text: string): Authority | null {
  const match = AUTHORITY.exec(text);
  const host = match?.[1];
  if (host === undefined || host.length > 255) return null;
  const port = match?.[2] || null;
  if (port !== null && Number(port) > 65_535) return null;
  const name = nameOf(host.toLowerCase());
  return name === null ? null : { text, host, name, port };
}

/** Whether two authorities mean the same place for `scheme`. */
export function sameAuthority(a: Authority, b: Authority, scheme: 'http' | 'https'): boolean {
  const standard = DEFAULT_PORTS[scheme];
  return a.name === b.name && (a.port ?? standard) === (b.port ?? standard);
}

/** The port that goes without saying. */
export const DEFAULT_PORTS = { http: '80', https: '443' } as const;

function nameOf(host: string): string | null {
  if (host.startsWith('[')) {
    const address = host.slice(1, -1);
    return isIPv6(address) ? address : null;
  }
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  return name === '' || name.startsWith('.') || name.includes('..') ? null : name;
}
