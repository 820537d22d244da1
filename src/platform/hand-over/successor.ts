import * as childProcess from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { RigilError } from '../../errors.ts';
import { type BoundSocket, boundSocket, type Handle } from '../bind.ts';
import type { Clock } from '../clock.ts';
import { type FromPorter, type Greeting, LONGEST_LINE, type Request, type ToPorter } from './messages.ts';

/** A socket that was handed over. */
export interface TakenSocket extends BoundSocket {
  readonly role: string;
}

/** Sockets on their way from their holder. */
export interface Taken {
  readonly sockets: readonly TakenSocket[];
  /** Aborts when the holder is not going to make way any more, and keeps serving. */
  readonly lost: AbortSignal;
  /** Tells the holder that this process serves now: it makes way. Resolves when it has heard. */
  ready(): Promise<void>;
  /** Leaves everything as it was. */
  giveUp(): void;
}

/** Who holds the sockets of a rigil that runs, or of one that was killed and whose workers are left. */
export class FoundHolder {
  readonly pid: number;
  readonly role: Greeting['role'];
  readonly busy: string | null;
  readonly #connection: Socket;

  constructor({ pid, role, busy }: Greeting, connection: Socket) {
    this.pid = pid;
    this.role = role;
    this.busy = busy;
    this.#connection = connection;
  }

  close(): void {
    this.#connection.destroy();
  }

  /** Lets it finish what runs and end: for the workers of a control process that is dead. */
  async end(): Promise<void> {
    await this.#ask('end');
    this.close();
  }

  /**
   * Takes its sockets over. At most once in the life of a process.
   *
   * @throws RigilError `take-over-failed`
   */
  async take(): Promise<Taken> {
    if (process.channel !== undefined && process.channel !== null) {
      this.close();
      throw failed(this.pid, 'this process was started with a channel of its own', {
        hint: 'start it from a shell, from systemd, or with another process manager',
      });
    }
    await this.#ask('sockets');
    openChannel(this.#connection);
    return receive(this.pid);
  }

  #ask(ask: Request['ask']): Promise<void> {
    const request: Request = { ask, pid: process.pid };
    return new Promise((resolve) => {
      this.#connection.write(`${JSON.stringify(request)}\n`, () => resolve());
    });
  }
}

/** Who answers at `path` within `patienceMs` milliseconds; null when nobody does. */
export async function findHolder(
  path: string,
  { clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number },
): Promise<FoundHolder | null> {
  const over = new AbortController();
  const found = new Promise<FoundHolder | null>((resolve) => {
    let line = '';
    const connection = connect({
      path,
      onread: {
        buffer: Buffer.alloc(LONGEST_LINE),
        callback: (length, buffer) => {
          line += Buffer.from(buffer.subarray(0, length)).toString('latin1');
          if (!line.endsWith('\n')) return line.length <= LONGEST_LINE;
          const greeting = parseGreeting(line);
          resolve(greeting === null ? null : new FoundHolder(greeting, connection));
          // What comes next is not for this reader.
          return false;
        },
      },
    });
    connection.on('error', () => resolve(null));
    connection.on('close', () => resolve(null));
    over.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  void clock.sleep(patienceMs, over.signal).then(() => over.abort());
  const holder = await found;
  over.abort();
  return holder;
}

/**
 * Makes the connection the channel of this process, as if it had been started with `NODE_CHANNEL_FD`: nothing else of
 * Node receives descriptors. The function is what Node itself calls for that at the start.
 */
function openChannel(connection: Socket): void {
  const { _forkChild: open } = childProcess as unknown as { _forkChild(fd: number, mode: 'json'): void };
  const { _handle: handle } = connection as unknown as { readonly _handle: { readonly fd: number } };
  // The connection stays open as long as the process: the descriptor has two owners now, and must be closed by one.
  open(handle.fd, 'json');
}

function receive(pid: number): Promise<Taken> {
  const sockets: TakenSocket[] = [];
  const lost = new AbortController();
  let isOurs = false;
  const ready = async (): Promise<void> => {
    isOurs = true;
    process.removeAllListeners('disconnect');
    const word: ToPorter = { type: 'ready' };
    await new Promise<void>((resolve) => {
      // The porter ends when it has heard.
      process.once('disconnect', resolve);
      if (process.connected) process.send?.(word);
      else resolve();
    });
    closeChannel();
  };
  return new Promise((resolve, reject) => {
    process.on('message', (message: FromPorter, handle: unknown) => {
      if (message.type === 'all') resolve({ sockets, lost: lost.signal, ready, giveUp: closeChannel });
      if (message.type === 'socket') {
        const { role, address } = message;
        const socket = boundSocket(handle as Handle, address);
        // Until its holder makes way the socket file is not for this process to remove.
        const close = () => (isOurs ? socket.close() : socket.letGo());
        sockets.push({ ...socket, close, role });
      }
    });
    process.once('disconnect', () => {
      lost.abort();
      for (const socket of sockets) socket.letGo();
      reject(failed(pid, 'it keeps what it has', { hint: 'its log says why' }));
    });
  });
}

function closeChannel(): void {
  process.removeAllListeners('disconnect');
  process.removeAllListeners('message');
  if (process.connected) process.disconnect?.();
}

function failed(pid: number, why: string, { hint }: { readonly hint: string }): RigilError {
  return new RigilError('take-over-failed', `process ${pid} did not hand over: ${why}`, { hint });
}

function parseGreeting(line: string): Greeting | null {
  try {
    const { pid, role, busy } = JSON.parse(line) as Record<string, unknown>;
    if (typeof pid !== 'number' || (role !== 'daemon' && role !== 'worker')) return null;
    return { pid, role, busy: typeof busy === 'string' ? busy : null };
  } catch {
    return null;
  }
}
