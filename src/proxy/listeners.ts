import { createServer, type Server, type Socket } from 'node:net';
import { systemCodeOf } from '../errors.ts';
import type { WorkerListener } from './protocol.ts';

/** Connections that may wait to be accepted; the kernel cuts this down to net.core.somaxconn. */
const BACKLOG = 4096;

/** One that clients connect to. */
export type ClientListener = WorkerListener & { readonly role: 'http' | 'https' };

export interface ListenerHandlers {
  readonly http: (socket: Socket) => void;
  readonly https: (socket: Socket) => void;
  /** A connection could not be accepted, for want of descriptors (EMFILE, ENFILE) as a rule. The next one may be. */
  readonly onTrouble: (address: string, error: Error) => void;
}

/**
 * The listening sockets of a worker. They are bound already and shared with the other workers: whoever is free
 * accepts, and what waits to be accepted survives the death of a worker.
 */
export class Listeners {
  readonly #servers: Server[] = [];

  /** Begins to accept. Returns the first listener that cannot, with the system's code, or null. */
  async open(
    listeners: readonly ClientListener[],
    handlers: ListenerHandlers,
  ): Promise<{ readonly address: string; readonly code: string | null } | null> {
    const results = await Promise.all(
      listeners.map(async ({ fd, role, address }) => {
        // A client of plain HTTP may have said all it wants to say and still gets its answer; TLS says so by itself.
        const server = createServer({ allowHalfOpen: role === 'http' }, handlers[role]);
        this.#servers.push(server);
        const error = await new Promise<Error | null>((resolve) => {
          server.once('error', resolve);
          // For a descriptor Node looks at this argument only, not at a property `backlog`.
          server.listen({ fd }, BACKLOG, () => resolve(null));
        });
        server.on('error', (trouble) => handlers.onTrouble(address, trouble));
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
