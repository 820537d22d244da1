import { isIP } from 'node:net';
import { Fault } from '../fault.ts';
import { isHostName } from './host-name.ts';
import { parsePort } from './port.ts';

/** The URL of an ACME directory: https (RFC 8555 6.1), or http on this machine only. */
export function parseDirectoryUrl(text: string): string | Fault {
  const url = parseUrl(text);
  if (url === null) {
    const hint = 'write it like https://acme-v02.api.letsencrypt.org/directory';
    return new Fault('invalid-url', 'is not a URL', hint);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return new Fault('invalid-url', 'does not begin with https://', 'ACME is spoken over https only');
  }
  if (url.username !== '' || url.password !== '') {
    return new Fault('invalid-url', 'has a user name in it', 'an account is bound with "eab KID HMAC"');
  }
  if (url.hash !== '') return new Fault('invalid-url', 'has a fragment (#…) in it');
  return url.href;
}

/** `tcp://HOST:PORT`. */
export function parseTcpUrl(text: string): { readonly host: string; readonly port: number } | Fault {
  const [, bracketed, bare, digits] = /^tcp:\/\/(?:\[([^\]]*)\]|([^:/[\]]+)):(\d+)\/?$/i.exec(text) ?? [];
  const host = bracketed ?? bare ?? '';
  const port = parsePort(digits ?? '');
  const good = bracketed === undefined ? isIP(host) === 4 || isHostName(host) : isIP(host) === 6;
  if (good && port !== null && port > 0) return { host: host.toLowerCase(), port };
  return new Fault(
    'invalid-url',
    'is not of the form tcp://HOST:PORT',
    'write it like tcp://config.internal:8500',
  );
}

function parseUrl(text: string): URL | null {
  // URL.parse drops line ends, tabs and blanks at the ends without a word.
  return /[\s\p{C}]/u.test(text) ? null : URL.parse(text);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
