import { lookup } from 'node:dns/promises';
import { chmodSync, existsSync, fstatSync, lstatSync, renameSync, rmSync, unlinkSync } from 'node:fs';
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
  /** Makes a server of this process listen here; from then on the descriptor is the server's, and closed with it. */
  listen(server: net.Server): Promise<void>;
  /** Gives the address up, and removes a socket file. Calling it again does nothing. */
  close(): void;
  /** Leaves the address to the other processes that have the socket: a socket file stays. */
  letGo(): void;
}

/** The part of `net.BoundSocket` (Node 26.4), of its forerunner and of what other processes pass that is used. */
export interface Handle {
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
 * Binds without listening: no connection is accepted, none is refused, and the address is taken. Of a host name the
 * first address counts. A socket file gets mode 0660.
 *
 * @throws RigilError `address-in-use`, `address-forbidden`, `address-unusable`
 */
export async function bind(address: BindAddress): Promise<BoundSocket> {
  const text = addressText(address);
  try {
    const handle = await bindHandle(address);
    return boundSocket(handle, text, handle.port);
  } catch (error) {
    throw error instanceof RigilError ? error : unusable(text, error);
  }
}

/** What is bound already, such as a socket that another process has passed. `address`: see {@link addressText}. */
export function boundSocket(handle: Handle, address: string, port: number | null = null): BoundSocket {
  let open = true;
  const letGo = () => {
    if (open) handle.close();
    open = false;
  };
  let isOurs = true;
  return {
    fd: handle.fd,
    address,
    port,
    async listen(server) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ fd: handle.fd }, () => {
          server.off('error', reject);
          resolve();
        });
      }).catch((error: unknown) => {
        throw unusable(address, error);
      });
      // Two owners would close it twice, and the second time it may be somebody else's.
      open = false;
    },
    close() {
      if (isOurs && address.startsWith(UNIX)) removeFile(address.slice(UNIX.length));
      isOurs = false;
      letGo();
    },
    letGo() {
      isOurs = false;
      letGo();
    },
  };
}

const UNIX = 'unix:';

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

interface BoundHandle extends Handle {
  readonly port: number | null;
}

async function bindHandle(address: BindAddress): Promise<BoundHandle> {
  switch (address.kind) {
    case 'fd':
      return inherited(address.fd);
    case 'unix': {
      // libuv would call a missing folder EACCES.
      if (!existsSync(dirname(address.path))) throw noFolder(address.path);
      await removeStaleSocket(address.path);
      // Closing a handle removes the file that it has made. One that was renamed it does not find, so that the file
      // can outlive this process: others may have the socket, too.
      const made = `${address.path}.${process.pid.toString(36)}`;
      rmSync(made, { force: true });
      const handle = newHandle({ path: made });
      chmodSync(made, 0o660);
      renameSync(made, address.path);
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
function inherited(fd: number): BoundHandle {
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

function bindEverywhere(port: number): BoundHandle {
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

function newHandle(target: Target): BoundHandle {
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
export function handleOfOlderNode(target: Target): BoundHandle {
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
