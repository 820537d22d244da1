import { createServer, type Server, type Socket } from 'node:net';
import { systemCodeOf } from '../errors.ts';
import type { WorkerListener } from './protocol.ts';

/** Connections that may wait to be accepted; the kernel cuts this down to net.core.somaxconn. */
const BACKLOG = 4096;

/**
 * The listening sockets of a worker. They are bound already and shared with the other workers: whoever is free
 * accepts, and what waits to be accepted survives the death of a worker.
 */
export class Listeners {
  readonly #servers: Server[] = [];

  /** Begins to accept. Returns the first listener that cannot, with the system's code, or null. */
  async open(
    listeners: readonly WorkerListener[],
    accept: Record<'http' | 'https', (socket: Socket) => void>,
  ): Promise<{ readonly address: string; readonly code: string | null } | null> {
    const results = await Promise.all(
      listeners.map(async ({ fd, role, address }) => {
        // Half-open: a client that has said all it wants to say still gets its answer.
        const server = createServer({ allowHalfOpen: true }, accept[role]);
        this.#servers.push(server);
        server.listen({ fd, backlog: BACKLOG });
        const error = await new Promise<Error | null>((resolve) => {
          server.once('listening', () => resolve(null));
          server.once('error', resolve);
        });
        // A failing accept (EMFILE) passes: the next one may succeed.
        server.on('error', () => {});
        return error === null ? null : { address, code: systemCodeOf(error) };
      }),
    );
    return results.find((result) => result !== null) ?? null;
  }

  /** Accepts nothing any more. Others that share the sockets go on. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}
