import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import { type BoundSocket, bind } from '../platform/bind.ts';
import type { Clock } from '../platform/clock.ts';
import { Holder } from '../platform/hand-over/holder.ts';
import {
  type FoundHolder,
  findHolder,
  type Taken,
  type TakenSocket,
} from '../platform/hand-over/successor.ts';
import type { WorkerSocket } from './workers/listener-set.ts';

const NAME = 'take-over.sock';
/** What follows when that socket file cannot be had. */
const IMPOSSIBLE = 'serve --take-over will not be possible';
/** Longest wait for a word of who holds the sockets, in milliseconds. */
const PATIENCE_MS = 5_000;
/** For each worker of a killed control process that is told to end, in milliseconds: a stopped one does not answer. */
const FAREWELL_MS = 1_000;
/** How many workers a killed control process can have left. */
const MOST_ORPHANS = 1_024;

export interface SuccessionOptions {
  /**
   * Where the daemons of a store find each other, by a socket file: a folder that is for nobody but those who may read
   * the keys, so that nobody else gives or takes sockets. Null = there is none, and no daemon follows another.
   */
  readonly directory: string | null;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Makes this process the one daemon of the store, with `wait` after another one; see `StoreWatch.take`. */
  readonly acquire: (options: { readonly wait: boolean }) => Promise<void>;
  /** Aborts when this process is to end. */
  readonly signal: AbortSignal;
}

/** What a daemon does when a successor wants its place. */
export interface Incumbent {
  readonly sockets: () => readonly { readonly role: string; readonly address: string; readonly fd: number }[];
  /** Why it cannot hand over now, for people, or null. */
  readonly busy: () => string | null;
  /** Lets certificate work rest. */
  readonly prepare: () => Promise<void>;
  /** Goes on with it. */
  readonly stay: () => void;
  /** Makes way. */
  readonly leave: () => void;
}

/**
 * How one daemon of a store follows another: after it has ended, beside it (`--take-over`), or after it was killed and
 * has left workers that hold the ports.
 */
export class Succession {
  readonly #options: SuccessionOptions;
  readonly #path: string | null;
  /** The socket file of this process, until it comes to its place. */
  readonly #own: string;
  #socket: BoundSocket | null = null;
  #holder: Holder | null = null;
  #former: { readonly pid: number; readonly role: 'daemon' | 'worker'; readonly taken: Taken } | null = null;
  #startedAt = 0;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#path = options.directory === null ? null : join(options.directory, NAME);
    this.#own = `${this.#path}.${process.pid}`;
  }

  /** Whether this process has followed another one that lived or had left workers. */
  get hasPredecessor(): boolean {
    return this.#former !== null;
  }

  /** For the workers: where a successor finds them should this process die. Empty when there can be none. */
  get workerSockets(): readonly WorkerSocket[] {
    return this.#socket === null ? [] : [{ ...this.#socket, role: 'hand-over' }];
  }

  /**
   * Becomes the daemon of the store, or with `takeOver` gets ready to, beside the one that runs.
   *
   * @returns the sockets of a former one; none when there was none
   * @throws RigilError `store-locked`, `take-over-failed`, `aborted`, or that of the store
   */
  async begin(takeOver: boolean): Promise<readonly TakenSocket[]> {
    const running = takeOver ? await this.#find(PATIENCE_MS) : null;
    if (running?.role !== 'daemon') {
      running?.close();
      await this.#options.acquire({ wait: false });
    }
    const former = running?.role === 'daemon' ? running : await this.#find(PATIENCE_MS);
    if (former?.role === 'daemon' && !takeOver) {
      former.close();
      // Without a lock: the store cannot be written.
      throw new RigilError('store-locked', `process ${former.pid} serves from this store already`, {
        hint: 'take its place with `rigil serve --take-over`, or stop it first',
      });
    }
    const sockets = former === null ? [] : await this.#take(former);
    await this.#bind();
    return sockets;
  }

  /**
   * This process serves: whoever came before is sent away, and the store is this one's.
   *
   * @param onReady called at the last moment at which a former daemon would go on if this one died
   */
  async complete(onReady: () => void): Promise<void> {
    const { clock, emit, acquire } = this.#options;
    if (this.#former !== null) {
      const { pid, role, taken } = this.#former;
      if (taken.lost.aborted) throw failed(pid, 'it waited too long for this one, and keeps what it has');
      // From here on somebody has to serve, should this process be killed.
      onReady();
      await taken.ready();
      // Nobody else serves from here on, so nothing that fails may end this process.
      if (role === 'daemon') await this.#orTell('taking the store over', () => acquire({ wait: true }));
      else await this.#endOrphans();
      emit({ event: 'take-over.finished', from: pid, durationMs: clock.now() - this.#startedAt });
    } else {
      onReady();
    }
    await this.#orTell(IMPOSSIBLE, async () => {
      // In the place of the former one, in one step. Others can only be left from processes that were killed.
      if (this.#socket !== null && this.#path !== null) renameSync(this.#own, this.#path);
      for (const path of this.#places().slice(1)) rmSync(path, { force: true });
    });
  }

  /** From now on a successor may come. */
  async open({ sockets, busy, prepare, stay, leave }: Incumbent): Promise<void> {
    const { clock, emit } = this.#options;
    const socket = this.#socket;
    if (socket === null) return;
    let startedAt = 0;
    const since = () => clock.now() - startedAt;
    const holder = new Holder({
      role: 'daemon',
      sockets,
      busy,
      prepare: (to) => {
        startedAt = clock.now();
        emit({ event: 'hand-over.started', to });
        return prepare();
      },
      stay: (to) => {
        emit({ event: 'hand-over.failed', to, durationMs: since() });
        stay();
        // It may have been killed when it believed to be ready.
        void this.#endOrphans();
      },
      leave: (to) => {
        emit({ event: 'hand-over.finished', to, durationMs: since() });
        leave();
      },
    });
    this.#holder = holder;
    await this.#orTell(IMPOSSIBLE, () => holder.listen(socket));
  }

  /** @param followed a successor has the sockets, and the file of its own at the path */
  close(followed: boolean): void {
    this.#former?.taken.giveUp();
    this.#holder?.close();
    if (followed) this.#socket?.letGo();
    else this.#socket?.close();
    if (!followed && this.#holder !== null && this.#path !== null) rmSync(this.#path, { force: true });
  }

  async #find(patienceMs: number): Promise<FoundHolder | null> {
    for (const path of this.#places()) {
      const holder = await findHolder(path, { clock: this.#options.clock, patienceMs });
      if (holder !== null) return holder;
    }
    return null;
  }

  /** Where somebody may answer: also one that was killed before its socket file came to its place. */
  #places(): string[] {
    const { directory } = this.#options;
    if (directory === null) return [];
    try {
      const others = readdirSync(directory).filter((name) => name.startsWith(`${NAME}.`));
      return [NAME, ...others].map((name) => join(directory, name));
    } catch {
      return [];
    }
  }

  async #take(holder: FoundHolder): Promise<readonly TakenSocket[]> {
    const { clock, emit, signal } = this.#options;
    const { pid, role, busy } = holder;
    if (busy !== null) throw failed(pid, busy);
    this.#startedAt = clock.now();
    emit({ event: 'take-over.started', from: pid, role });
    const ended = Promise.withResolvers<never>();
    const end = () => ended.reject(new RigilError('aborted', 'the take-over was broken off'));
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const taking = holder.take();
    taking.catch(() => {});
    const taken = await Promise.race([taking, ended.promise]);
    signal.removeEventListener('abort', end);
    this.#former = { pid, role, taken };
    return taken.sockets;
  }

  /** Tells workers without a control process to end. Each of them closes the socket that all of its set wait on. */
  async #endOrphans(): Promise<void> {
    const { clock } = this.#options;
    for (const path of this.#places()) {
      for (let count = 0; count < MOST_ORPHANS; count++) {
        const orphan = await findHolder(path, { clock, patienceMs: FAREWELL_MS });
        if (orphan === null) break;
        await orphan.end();
        if (orphan.role === 'daemon') break;
        await clock.sleep(10);
      }
    }
  }

  /** Binds a socket of its own beside that of the former daemon; clients of the store have no right to it. */
  async #bind(): Promise<void> {
    const { directory } = this.#options;
    if (directory === null) return;
    await this.#orTell(IMPOSSIBLE, async () => {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.#socket = await bind({ kind: 'unix', path: this.#own });
      chmodSync(this.#own, 0o600);
    });
  }

  async #orTell(where: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.emit({ event: 'fault', where, message: messageOf(error), stack: null });
    }
  }
}

function failed(pid: number, why: string): RigilError {
  return new RigilError('take-over-failed', `process ${pid} did not hand over: ${why}`, {
    hint: 'try again; its log says more',
  });
}
