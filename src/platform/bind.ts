import { lookup } from 'node:dns/promises';
import { chmodSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import { RigilError, systemCodeOf } from '../errors.ts';

/** Where to listen, as in the configuration. */
export type BindAddress =
  | {
      readonly kind: 'tcp' /** Null = all interfaces. */;
      readonly host: string | null;
      readonly port: number;
    }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

/** A bound socket that nobody listens on here: its descriptor is for the processes that do. */
export interface BoundSocket {
  readonly fd: number;
  /** For people: `127.0.0.1:8443`, `unix:/run/rigil.sock`, `fd:3`. */
  readonly address: string;
  close(): void;
}

/** The part of `net.BoundSocket` (Node 26.4) and of its forerunner that is used. */
interface Handle {
  readonly fd: number;
  close(): void;
}

/** How an address is written in messages. */
export function addressText(address: BindAddress): string {
  switch (address.kind) {
    case 'tcp':
      return `${address.host === null ? '' : address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    case 'unix':
      return `unix:${address.path}`;
    case 'fd':
      return `fd:${address.fd}`;
    default:
      return address satisfies never;
  }
}

/**
 * Binds without listening: no connection is accepted, none is refused, and the address is taken.
 *
 * @throws RigilError `address-in-use`, `address-forbidden`, `address-unusable`
 */
export async function bind(address: BindAddress): Promise<BoundSocket> {
  const text = addressText(address);
  try {
    if (address.kind === 'fd') {
      return { fd: address.fd, address: text, close: () => {} };
    }
    if (address.kind === 'unix') {
      await removeStaleSocket(address.path);
      const handle = bindHandle({ path: address.path });
      chmodSync(address.path, 0o660);
      return { fd: handle.fd, address: text, close: () => closeUnix(handle, address.path) };
    }
    const host = address.host === null ? null : (await lookup(address.host)).address;
    const handle = bindTcp(host, address.port);
    return { fd: handle.fd, address: text, close: () => handle.close() };
  } catch (error) {
    throw unusable(text, error);
  }
}

/** What a failure to listen on `address` means, and what to do about it. */
export function unusable(address: string, error: unknown): RigilError {
  const port = address.split(':').at(-1);
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new RigilError('address-in-use', `${address} is in use by another program`, {
        hint: address.startsWith('unix:')
          ? `another program answers on this socket; see who with: ss -xlp | grep ${address.slice(5)}`
          : `see which with: ss -ltnp 'sport = :${port}'`,
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new RigilError('address-forbidden', `no permission to listen on ${address}`, {
        hint: address.startsWith('unix:')
          ? 'the folder of the socket must be writable for the user that runs rigil'
          : 'ports below 1024 need a capability: setcap cap_net_bind_service=+ep on the node binary, or AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit of systemd (fd:3); or listen on a port above 1023',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new RigilError('address-unusable', `${address} is no address of this machine`, {
        hint: 'see which there are with: ip address',
        cause: error,
      });
    default:
      return new RigilError(
        'address-unusable',
        `cannot listen on ${address}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
  }
}

function bindTcp(host: string | null, port: number): Handle {
  if (host !== null) return bindHandle({ host, port });
  try {
    return bindHandle({ host: '::', port });
  } catch (error) {
    // A machine without IPv6 has no `::`.
    if (['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(systemCodeOf(error) ?? '')) {
      return bindHandle({ host: '0.0.0.0', port });
    }
    throw error;
  }
}

function bindHandle(options: { host: string; port: number } | { path: string }): Handle {
  if ('BoundSocket' in net) {
    const bound = new net.BoundSocket(options as ConstructorParameters<typeof net.BoundSocket>[0]);
    return { fd: bound.fd(), close: () => bound.close() };
  }
  return bindHandleOfOlderNode(options);
}

/** Node 24 and 25 have the same only as what `node:cluster` is built on. */
function bindHandleOfOlderNode(options: { host: string; port: number } | { path: string }): Handle {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(address: string, port: number, type: number): Handle | number;
  };
  const handle =
    'path' in options
      ? create(options.path, -1, -1)
      : create(options.host, options.port, net.isIPv6(options.host) ? 6 : 4);
  if (typeof handle !== 'number') return handle;
  throw Object.assign(new Error(`bind failed (${handle})`), {
    code: handle === -98 ? 'EADDRINUSE' : 'EACCES',
  });
}

/** A socket file that nobody answers on is what a killed process left behind; one that answers is somebody's. */
async function removeStaleSocket(path: string): Promise<void> {
  const code = await new Promise<string | null>((resolve) => {
    const probe = net.connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(null);
    });
    probe.once('error', (error) => resolve(systemCodeOf(error)));
  });
  if (code === null) throw Object.assign(new Error('somebody answers'), { code: 'EADDRINUSE' });
  if (code === 'ECONNREFUSED') unlinkSync(path);
}

function closeUnix(handle: Handle, path: string): void {
  handle.close();
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}
