import { createServer, type Server, type Socket } from 'node:net';
import type { BoundSocket } from '../bind.ts';
import { type GivenSocket, giveSockets } from './give.ts';
import { type Greeting, type HolderRole, LONGEST_LINE, type Request } from './messages.ts';

export interface HolderOptions {
  readonly role: HolderRole;
  /** What there is to be handed over. */
  readonly sockets: () => readonly GivenSocket[];
  /** Why nothing can be handed over now, for people, or null. */
  readonly busy?: () => string | null;
  /** A successor has asked; the sockets are given when this has resolved. */
  readonly prepare?: (successor: number) => Promise<void>;
  /** The successor serves: what runs here is to be finished. For a worker also: it was told to end. */
  readonly leave: (successor: number) => void;
  /** There will be no successor this time: it went away before it was ready. */
  readonly stay?: (successor: number) => void;
}

/** Waits for a successor on a unix socket, and hands the listening sockets over to it. */
export class Holder {
  readonly #options: HolderOptions;
  readonly #server: Server;
  #giving = false;
  #left = false;

  constructor(options: HolderOptions) {
    this.#options = options;
    this.#server = createServer((connection) => this.#greet(connection));
    // Descriptors may be short now, and not later.
    this.#server.on('error', () => {});
  }

  /** @throws RigilError `address-unusable` */
  listen(socket: BoundSocket): Promise<void> {
    return socket.listen(this.#server);
  }

  /** Waits no longer. */
  close(): void {
    this.#server.close();
  }

  #greet(connection: Socket): void {
    const { role, busy } = this.#options;
    const greeting: Greeting = {
      pid: process.pid,
      role,
      busy: this.#giving ? 'another one is taking over' : (busy?.() ?? null),
    };
    let line = '';
    connection.on('error', () => connection.destroy());
    connection.on('data', (data) => {
      line += data.toString('latin1');
      if (line.length > LONGEST_LINE) connection.destroy();
      if (!line.endsWith('\n')) return;
      connection.removeAllListeners('data');
      const request = parseRequest(line);
      if (request === null || greeting.busy !== null || this.#giving || this.#left) connection.destroy();
      else if (request.ask === 'end') this.#end(connection, request);
      else void this.#give(connection, request.pid);
    });
    connection.write(`${JSON.stringify(greeting)}\n`);
  }

  #end(connection: Socket, { pid }: Request): void {
    connection.destroy();
    if (this.#options.role === 'worker') this.#leave(pid);
  }

  async #give(connection: Socket, successor: number): Promise<void> {
    const { sockets, prepare, stay } = this.#options;
    this.#giving = true;
    try {
      await prepare?.(successor);
      if (!connection.destroyed && (await giveSockets(connection, sockets()))) this.#leave(successor);
      else stay?.(successor);
    } finally {
      this.#giving = false;
    }
  }

  #leave(successor: number): void {
    this.#left = true;
    this.close();
    this.#options.leave(successor);
  }
}

function parseRequest(line: string): Request | null {
  try {
    const { ask, pid } = JSON.parse(line) as Record<string, unknown>;
    return (ask === 'sockets' || ask === 'end') && typeof pid === 'number' ? { ask, pid } : null;
  } catch {
    return null;
  }
}
