import { isIP, isIPv6 } from 'node:net';
import type { UpstreamAddress } from '../config.ts';
import { Fault } from '../fault.ts';
import { isHostName, toAsciiHostName } from './host-name.ts';
import { canonicalAddress, hostAndPort } from './ip-address.ts';
import { parseSocketPath } from './path.ts';
import { parsePort } from './port.ts';

/**
 * The upstream that can never be reached: connecting to port 0 is refused at once. It stands for whatever Centauri
 * takes as an upstream without looking and then answers every request for with 502.
 */
export const UNREACHABLE: UpstreamAddress = { scheme: 'http', host: '127.0.0.1', port: 0 };

/**
 * Where requests are sent: `HOST[:PORT]`, `http://HOST[:PORT]`, `https://HOST[:PORT]`, `h2c://HOST[:PORT]` or `unix:PATH`.
 *
 * A Fault with the code `unusable-upstream` or `empty-upstream` is a doubt, and {@link UNREACHABLE} then stands for it;
 * only the forms that Centauri does not know can be wrong.
 */
export function parseUpstream(text: string, baseDir: string): UpstreamAddress | Fault {
  if (text === '')
    return new Fault(
      'empty-upstream',
      'every request sent to it is answered 502',
      'write it like upstream localhost:8080',
    );
  if (/^unix:/i.test(text)) {
    const path = parseSocketPath(text.slice('unix:'.length).replace(/^\/\/(?=\/)/, ''), baseDir);
    return path instanceof Fault ? path : { scheme: 'unix', path };
  }
  const scheme = schemeOf(text);
  const authority = text.replace(/^(?:https?|h2c):\/\/(.*?)\/?$/i, '$1');
  const address = parseHostAndPort(authority, scheme === 'https' ? 443 : 80);
  if (address !== null) return { scheme, ...address };
  const { message, hint } = explain(authority);
  if (scheme !== 'http') return new Fault('invalid-upstream', message, hint);
  return new Fault('unusable-upstream', `${message}; every request sent to it is answered 502`, hint);
}

/** `upstream` as {@link parseUpstream} reads it. */
export function formatUpstream(upstream: UpstreamAddress): string {
  switch (upstream.scheme) {
    case 'http':
      return hostAndPort(upstream.host, upstream.port);
    case 'https':
    case 'h2c':
      return `${upstream.scheme}://${hostAndPort(upstream.host, upstream.port)}`;
    case 'unix':
      return `unix:${upstream.path}`;
    default:
      return upstream satisfies never;
  }
}

/** `HOST[:PORT]` as Go reads it: a colon with nothing behind it means the default port. Null when it can't be reached. */
export function parseHostAndPort(
  text: string,
  defaultPort: number,
): { readonly host: string; readonly port: number } | null {
  const [, written = '', digits = ''] = /^(.*?)(?::(\d*))?$/s.exec(text) ?? [];
  const port = digits === '' ? defaultPort : parsePort(digits);
  if (port === null || port === 0) return null;
  const host = parseHost(written);
  return host === null ? null : { host, port };
}

function schemeOf(text: string): 'http' | 'https' | 'h2c' {
  if (/^https:\/\//i.test(text)) return 'https';
  return /^h2c:\/\//i.test(text) ? 'h2c' : 'http';
}

function parseHost(text: string): string | null {
  if (text.startsWith('[') && text.endsWith(']')) {
    const inner = text.slice(1, -1);
    return isIPv6(inner) ? canonicalAddress(inner) : null;
  }
  if (isIP(text) === 4) return text;
  const undotted = text.endsWith('.') ? text.slice(0, -1) : text;
  if (isHostName(undotted)) return text.toLowerCase();
  return /[^\0-\x7f]/.test(text) ? toAsciiHostName(text) : null;
}

function explain(text: string): { readonly message: string; readonly hint: string } {
  const form =
    'write it like localhost:8080, [::1]:8080, https://app.internal, h2c://localhost:50051 or unix:/run/app.sock';
  const [, grpc] = /^(grpcs?):\/\//i.exec(text) ?? [];
  if (grpc !== undefined) {
    const scheme = grpc.length === 4 ? 'h2c' : 'https';
    const hint = `did you mean "${scheme}${text.slice(grpc.length)}"?`;
    return { message: 'begins with a scheme that is not known', hint };
  }
  if (/\s/.test(text))
    return { message: 'is more than one address', hint: 'give each upstream a line of its own' };
  if (isIP(text) === 6) return { message: 'has no brackets', hint: `did you mean "[${text}]:80"?` };
  if (text.includes('@')) return { message: 'has a user name in it', hint: form };
  if (/[/?#]/.test(text)) {
    return {
      message: 'has a path',
      hint: 'a path cannot be put before that of the request; name host and port only',
    };
  }
  if (/^\d+$/.test(text.slice(text.lastIndexOf(':') + 1))) {
    return { message: 'has no host and port from 1 to 65535', hint: form };
  }
  return { message: 'is no host name or IP address with an optional port', hint: form };
}
