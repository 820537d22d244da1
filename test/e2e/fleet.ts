import { connect, type TLSSocket } from 'node:tls';
import { type Daemon, eventually, startDaemon } from './daemon.ts';

type DaemonOptions = NonNullable<Parameters<typeof startDaemon>[1]>;

/** A daemon that shares a store in Redis; its copy lies in a folder of its own. */
export function startNode(
  text: string,
  { redis, cache, ...options }: DaemonOptions & { readonly redis: string; readonly cache: string },
): Promise<Daemon> {
  return startDaemon(text, {
    workers: 1,
    patienceMs: 60_000,
    ...options,
    storeLine: `redis ${redis}`,
    env: { ...options.env, CACHE_DIRECTORY: cache, STATE_DIRECTORY: cache },
  });
}

/** What a handshake shows. */
export interface Seen {
  readonly serial: string;
  readonly resumed: boolean;
  readonly session: Buffer;
}

/** A handshake with a node, with a session of an earlier one if there is one; null when it fails. */
export async function handshake(node: Daemon, servername: string, session?: Buffer): Promise<Seen | null> {
  const socket: TLSSocket = connect({
    port: node.ports.https,
    host: '127.0.0.1',
    servername,
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
    ...(session === undefined ? {} : { session }),
  });
  try {
    return await new Promise((resolve) => {
      socket.once('secureConnect', () => {
        const { serialNumber = '' } = socket.getPeerX509Certificate() ?? {};
        resolve({
          serial: serialNumber,
          resumed: socket.isSessionReused(),
          session: socket.getSession() ?? Buffer.alloc(0),
        });
      });
      socket.once('error', () => resolve(null));
    });
  } finally {
    socket.destroy();
  }
}

/** The serial number that a node shows, or null when it shows none. */
export async function serialAt(node: Daemon, name: string): Promise<string | null> {
  return (await handshake(node, name))?.serial ?? null;
}

/** The same, as soon as it shows one. */
export function serialSoonAt(node: Daemon, name: string): Promise<string> {
  return eventually(
    `a certificate for ${name}`,
    async () => (await serialAt(node, name)) ?? undefined,
    () => JSON.stringify(node.events(), null, 1),
    60_000,
  );
}

/** How many certificates a daemon has ordered. */
export function ordered(...nodes: readonly Daemon[]): number {
  return nodes.flatMap((node) =>
    node.events().filter(({ event }) => /^certificate\.(obtain|renew)\.started$/.test(event)),
  ).length;
}
