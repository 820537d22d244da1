import { lookup } from 'node:dns/promises';
import { chmodSync, existsSync, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { RigilError, systemCodeOf } from '../errors.ts';
import { unusable } from './unusable-address.ts';

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
  /** As it was asked for, for people: `127.0.0.1:8443`, `unix:/run/rigil.sock`, `fd:3`. */
  readonly address: string;
  /** The port that it got; null for what has none or does not tell. */
  readonly port: number | null;
  /** Gives the address up, and removes a socket file. Calling it again does nothing. */
  close(): void;
}

/** The part of `net.BoundSocket` (Node 26.4) and of its forerunner that is used. */
interface Handle {
  readonly fd: number;
  readonly port: number | null;
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
 * Binds without listening: no connection is accepted, none is refused, and the address is taken. Of a host name the
 * first address counts. A socket file gets mode 0660.
 *
 * @throws RigilError `address-in-use`, `address-forbidden`, `address-unusable`
 */
export async function bind(address: BindAddress): Promise<BoundSocket> {
  const text = addressText(address);
  try {
    const handle = await bindHandle(address);
    return { fd: handle.fd, port: handle.port, address: text, close: once(() => handle.close()) };
  } catch (error) {
    throw error instanceof RigilError ? error : unusable(text, error);
  }
}

async function bindHandle(address: BindAddress): Promise<Handle> {
  switch (address.kind) {
    case 'fd':
      return inherited(address.fd);
    case 'unix': {
      // libuv would call a missing folder EACCES.
      if (!existsSync(dirname(address.path))) throw noFolder(address.path);
      await removeStaleSocket(address.path);
      const handle = newHandle({ path: address.path });
      // Nobody listens yet, so nobody was let in by the mode that the file had until now.
      chmodSync(address.path, 0o660);
      return handle;
    }
    case 'tcp': {
      const { host, port } = address;
      return host === null ? bindEverywhere(port) : newHandle({ host: (await lookup(host)).address, port });
    }
    default:
      return address satisfies never;
  }
}

function noFolder(path: string): RigilError {
  return new RigilError(
    'address-unusable',
    `cannot listen on unix:${path}: there is no folder ${dirname(path)}`,
    {
      hint: 'create it; systemd does so with RuntimeDirectory=',
    },
  );
}

/** What systemd, or whoever started this process, has bound. */
function inherited(fd: number): Handle {
  let isSocket = false;
  try {
    isSocket = fstatSync(fd).isSocket();
  } catch (error) {
    if (systemCodeOf(error) !== 'EBADF') throw error;
  }
  if (!isSocket) {
    throw new RigilError(
      'address-unusable',
      `descriptor ${fd} is not a socket that was handed to this process`,
      {
        hint: 'systemd numbers the sockets of a .socket unit from fd:3, in the order of the unit',
      },
    );
  }
  return { fd, port: null, close: () => {} };
}

function bindEverywhere(port: number): Handle {
  try {
    return newHandle({ host: '::', port });
  } catch (error) {
    // A machine without IPv6 has no `::`.
    if (['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(systemCodeOf(error) ?? '')) {
      return newHandle({ host: '0.0.0.0', port });
    }
    throw error;
  }
}

type Target = { readonly host: string; readonly port: number } | { readonly path: string };

/** Closing a handle for a path removes the file. */
function newHandle(target: Target): Handle {
  if (!('BoundSocket' in net)) return handleOfOlderNode(target);
  // The types of Node 26.6 lack `path`.
  const bound = new net.BoundSocket(target as { host?: string; port?: number });
  const at = bound.address();
  return { fd: bound.fd(), port: typeof at === 'object' ? at.port : null, close: () => bound.close() };
}

/** What `node:cluster` is built on: Node 24 and 25 have nothing public for this. */
interface OlderHandle {
  readonly fd: number;
  getsockname(into: { port?: number }): number;
  close(): void;
}

/** For Node 24 and 25; exported for its test only. */
export function handleOfOlderNode(target: Target): Handle {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(address: string, port: number, type: number): OlderHandle | number;
  };
  const handle =
    'path' in target
      ? create(target.path, -1, -1)
      : create(target.host, target.port, net.isIPv6(target.host) ? 6 : 4);
  if (typeof handle === 'number') throw systemError(handle);
  if ('path' in target) return { fd: handle.fd, port: null, close: () => handle.close() };
  // libuv keeps EADDRINUSE back until the next call about the socket.
  const name: { port?: number } = {};
  const problem = handle.getsockname(name);
  if (problem !== 0) {
    handle.close();
    throw systemError(problem);
  }
  return { fd: handle.fd, port: name.port ?? null, close: () => handle.close() };
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

function systemError(errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`bind ${code}`), { code });
}

/**
 * A socket file that nobody answers on is what a killed process left behind; one that answers is somebody's. Only
 * sockets are removed: connecting to any other file fails in the same way.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return;
  if (!file.isSocket()) {
    throw new RigilError('address-in-use', `unix:${path} exists and is not a socket`, {
      hint: 'choose another path, or remove the file if nobody needs it',
    });
  }
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
