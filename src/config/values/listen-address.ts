import { isIP } from 'node:net';
import type { ListenAddress } from '../config.ts';
import { Fault } from '../fault.ts';
import { isHostName } from './host-name.ts';
import { canonicalAddress, hostAndPort } from './ip-address.ts';
import { parseSocketPath } from './path.ts';
import { parsePort } from './port.ts';

const FORMS = 'write it like :443, 192.0.2.1:443, [2001:db8::1]:443, unix:/run/rigil.sock or fd:3';

/** Where to listen: `:443`, `host:443`, `[v6]:443`, `unix:PATH` or `fd:N`. Port 0 means any free port. */
export function parseListenAddress(text: string, baseDir: string): ListenAddress | Fault {
  if (text.startsWith('unix:')) {
    const path = parseSocketPath(text.slice('unix:'.length), baseDir);
    return path instanceof Fault ? path : { kind: 'unix', path };
  }
  if (text.startsWith('fd:')) return parseDescriptor(text.slice('fd:'.length));
  return parseTcpAddress(text);
}

/** `address` as {@link parseListenAddress} reads it. */
export function formatListenAddress(address: ListenAddress): string {
  switch (address.kind) {
    case 'tcp':
      return address.host === null ? `:${address.port}` : hostAndPort(address.host, address.port);
    case 'unix':
      return `unix:${address.path}`;
    case 'fd':
      return `fd:${address.fd}`;
    default:
      return address satisfies never;
  }
}

function parseDescriptor(text: string): ListenAddress | Fault {
  if (!/^\d{1,6}$/.test(text))
    return new Fault('invalid-address', 'is no descriptor: fd: wants a number', FORMS);
  const fd = Number(text);
  if (fd < 3) {
    return new Fault('invalid-address', 'is a standard stream', 'inherited sockets have descriptors from 3');
  }
  return { kind: 'fd', fd };
}

function parseTcpAddress(text: string): ListenAddress | Fault {
  if (/^\d+$/.test(text)) return new Fault('invalid-address', 'is no address', `did you mean ":${text}"?`);
  if (isIP(text) === 6) {
    return new Fault('invalid-address', 'has no port', `did you mean "[${text}]:443"?`);
  }
  const colon = text.lastIndexOf(':');
  if (colon < 0) return new Fault('invalid-address', 'has no port', FORMS);
  const port = parsePort(text.slice(colon + 1));
  if (port === null) return new Fault('invalid-address', 'has no port from 0 to 65535 at its end', FORMS);
  const written = text.slice(0, colon);
  if (written === '' || written === '*') return { kind: 'tcp', host: null, port };
  const host = parseHost(written);
  return host instanceof Fault ? host : { kind: 'tcp', host, port };
}

function parseHost(text: string): string | Fault {
  if (text.startsWith('[') && text.endsWith(']')) {
    const inner = text.slice(1, -1);
    if (isIP(inner) === 6) return canonicalAddress(inner);
    return new Fault('invalid-address', 'has no IPv6 address between the brackets', FORMS);
  }
  if (text.includes(':')) {
    return new Fault(
      'invalid-address',
      'is no address',
      'an IPv6 address stands in brackets: [2001:db8::1]:443',
    );
  }
  if (isIP(text) === 4 || isHostName(text)) return text.toLowerCase();
  return new Fault('invalid-address', 'has no host name or IP address before the port', FORMS);
}
