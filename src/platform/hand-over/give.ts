import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A listening socket of this process, and what it is for. */
export interface GivenSocket {
  readonly role: string;
  /** As it was asked for: `127.0.0.1:8443`. */
  readonly address: string;
  readonly fd: number;
}

const PORTER = fileURLToPath(
  new URL(`./porter${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/** Descriptors of the porter before those of the sockets: stdin, stdout, stderr, the channel. */
const FIRST_SOCKET_FD = 4;

/**
 * Gives the successor at the other end of `connection` these sockets; they stay open here. Resolves with true when it
 * says that it is ready, and with false when it went away before, was too slow, or could not be given them.
 *
 * Node passes descriptors over a channel of `child_process` only, and a process has one channel to above. So a child
 * does it, whose channel is the connection (`NODE_CHANNEL_FD`); the connection is closed here.
 */
export function giveSockets(connection: Socket, sockets: readonly GivenSocket[]): Promise<boolean> {
  return new Promise((resolve) => {
    const carried = sockets.map((socket, at) => ({ ...socket, fd: FIRST_SOCKET_FD + at }));
    const porter = spawn(process.execPath, ['--no-warnings', PORTER, JSON.stringify(carried)], {
      stdio: ['ignore', 'ignore', 'ignore', connection, ...sockets.map(({ fd }) => fd)],
      env: { NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' },
    });
    connection.destroy();
    porter.once('error', () => resolve(false));
    porter.once('exit', (code) => resolve(code === 0));
  });
}
