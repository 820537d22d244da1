import { isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { RigilError } from '../errors.ts';
import { printable } from './printable.ts';

/** What `ocsp inspect` looks at. */
export type Target =
  /** A live TLS server. `host` is an A-label name or an address without brackets. */
  | { readonly kind: 'server'; readonly host: string; readonly port: number }
  /** A file with certificates in PEM or DER, leaf first. */
  | { readonly kind: 'file'; readonly path: string }
  /** A certificate in the store, by its name. */
  | { readonly kind: 'stored'; readonly name: string };

const HTTPS_PORT = 443;

/**
 * Reads a TARGET: `host`, `host:port`, `[v6]:port` or an https URL; a path (with a slash, or ending as certificate
 * files do), or `-` for standard input. A `*.` name can only be one of the store. Anything may be forced to be a name
 * of the store.
 *
 * @throws RigilError `usage`
 */
export function parseTarget(text: string, options: { readonly stored: boolean }): Target {
  if (text.trim() === '') throw unusable(text, 'it is empty');
  if (options.stored || text.startsWith('*.')) return { kind: 'stored', name: text.toLowerCase() };
  if (text === '-') return { kind: 'file', path: '/dev/stdin' };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return fromUrl(text);
  if (/[/\\]/.test(text) || /\.(pem|crt|cer|der)$/i.test(text)) return { kind: 'file', path: text };
  return fromAddress(text);
}

function fromUrl(text: string): Target {
  if (!URL.canParse(text)) throw unusable(text, 'it is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:') throw unusable(text, 'only https:// URLs have a certificate');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: 'server', host, port: url.port === '' ? HTTPS_PORT : Number(url.port) };
}

function fromAddress(text: string): Target {
  if (isIPv6(text)) return { kind: 'server', host: text, port: HTTPS_PORT };
  const [, bracketed, plain, portText] = /^(?:\[(.+)\]|([^:[\]]+))(?::(.*))?$/.exec(text) ?? [];
  if (bracketed !== undefined && !isIPv6(bracketed))
    throw unusable(text, 'there is no IPv6 address in the brackets');
  const host = bracketed ?? hostName(plain ?? '');
  if (host === '') throw unusable(text, 'it is neither a host, nor a file, nor a name');
  const port = portText === undefined ? HTTPS_PORT : Number(portText || Number.NaN);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw unusable(text, 'a port is a number from 1 to 65535');
  return { kind: 'server', host, port };
}

/**
 * A name to ask a server for, as an A-label.
 *
 * @throws RigilError `usage` for an address, which SNI does not allow (RFC 6066 3), and for what is no name
 */
export function parseServername(text: string): string {
  const name = isIP(text) === 0 ? hostName(text) : '';
  if (name !== '') return name;
  throw new RigilError('usage', `"${printable(text)}" cannot be a server name`, {
    hint: '--servername takes a host name such as www.example.com',
  });
}

/** As an A-label, or empty when no host can be called so. */
function hostName(text: string): string {
  if (isIP(text) !== 0) return text;
  const ascii = domainToASCII(text);
  return /^[a-z0-9_][a-z0-9_.-]{0,252}$/.test(ascii) ? ascii : '';
}

function unusable(text: string, why: string): RigilError {
  return new RigilError('usage', `cannot inspect "${printable(text)}": ${why}`, {
    hint: 'name a server as host:port or [v6]:port, a PEM file, or a certificate of the store',
  });
}
