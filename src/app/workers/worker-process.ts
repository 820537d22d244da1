import { type ChildProcess, fork } from 'node:child_process';
import type { Emit } from '../../events/bus.ts';
import type { Event } from '../../events/event.ts';
import type { FromWorker, Limits, ToWorker, WorkerReport } from '../../proxy/protocol.ts';
import { diff } from '../../snapshot/patch.ts';
import { emptySnapshot, type Snapshot } from '../../snapshot/snapshot.ts';
import type { OpenListener } from './listener-set.ts';

/** The program of a worker: the source when run from there, else what was built. */
const PROGRAM = new URL(
  `../../proxy/worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/** Descriptors of a child before those of the listeners: stdin, stdout, stderr, the channel. */
const FIRST_LISTENER_FD = 4;

export interface WorkerProcessOptions {
  readonly id: number;
  readonly snapshot: Snapshot;
  readonly listeners: readonly OpenListener[];
  readonly limits: Limits;
  readonly emit: Emit;
  readonly onReady: () => void;
  /** It cannot listen; its exit follows. */
  readonly onFailed: (address: string, code: string | null) => void;
  readonly onReport: (report: WorkerReport) => void;
  /** Called once, when the process is gone. */
  readonly onExit: (code: number | null, signal: string | null) => void;
}

/** One worker as the control process sees it. */
export class WorkerProcess {
  readonly id: number;
  readonly pid: number;
  ready = false;
  /** Connections that its drain had to cut. */
  cut = 0;
  readonly #child: ChildProcess;
  readonly #options: WorkerProcessOptions;
  /** What it has, as far as it was told. */
  #told: Snapshot;
  /** What it has not been told yet, because its channel is full: the newest is enough. */
  #next: Snapshot | null = null;
  #sending = false;
  #questions = 0;
  readonly #answers = new Map<number, (report: WorkerReport | null) => void>();
  readonly #waiting = new Set<() => void>();

  constructor(options: WorkerProcessOptions) {
    const { id, snapshot, listeners, limits } = options;
    this.id = id;
    this.#options = options;
    this.#child = fork(PROGRAM, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...listeners.map(({ fd }) => fd)],
    });
    this.pid = this.#child.pid ?? 0;
    this.#told = snapshot;
    this.#child.on('message', (message: FromWorker) => this.#receive(message));
    this.#child.on('error', () => {});
    // Nothing of ours writes there, but Node itself may: a warning, the last words before an abort.
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (data) =>
        this.#emit({ event: 'worker.said', worker: id, text: String(data).trim() }),
      );
    }
    this.#child.once('exit', (code, signal) => {
      for (const answer of this.#answers.values()) answer(null);
      for (const resolve of this.#waiting) resolve();
      options.onExit(code, signal);
    });
    this.#send({
      type: 'start',
      worker: id,
      patch: diff(emptySnapshot, snapshot),
      listeners: listeners.map(({ role, address }, index) => ({
        role,
        address,
        fd: FIRST_LISTENER_FD + index,
      })),
      limits,
    });
  }

  /** Tells it the newest snapshot, at once or as soon as its channel has room. */
  tell(snapshot: Snapshot): void {
    this.#next = snapshot;
    this.#pump();
  }

  /** Resolves when it has what `tell` was last called with, or is gone. */
  async caughtUp(): Promise<void> {
    // Messages arrive in order: an answer says that all before it was taken in.
    while (this.#next !== null || this.#sending) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    await this.report();
  }

  /** Whether it has not answered a question yet: stopped, or busy. Asking again would only fill its channel. */
  get silent(): boolean {
    return this.#answers.size > 0;
  }

  /** Its figures now; null when it is gone. */
  report(): Promise<WorkerReport | null> {
    if (!this.#child.connected) return Promise.resolve(null);
    this.#questions += 1;
    const request = this.#questions;
    return new Promise((resolve) => {
      this.#answers.set(request, resolve);
      this.#send({ type: 'report', request });
    });
  }

  drain(requestsMs: number, streamsMs: number): void {
    this.#send({ type: 'drain', requestsMs, streamsMs });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #pump(): void {
    const next = this.#next;
    if (next === null || this.#sending) return;
    this.#next = null;
    const patch = diff(this.#told, next);
    this.#told = next;
    this.#sending = true;
    this.#send({ type: 'patch', patch }, () => {
      this.#sending = false;
      this.#pump();
      if (this.#next !== null || this.#sending) return;
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    });
  }

  #send(message: ToWorker, done: () => void = () => {}): void {
    if (!this.#child.connected) return done();
    this.#child.send(message, () => done());
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        this.#options.onReady();
        break;
      case 'failed':
        this.#options.onFailed(message.address, message.code);
        break;
      case 'event':
        this.#emit(message.event);
        break;
      case 'report':
        this.#options.onReport(message.report);
        if (message.request !== null) {
          this.#answers.get(message.request)?.(message.report);
          this.#answers.delete(message.request);
        }
        break;
      case 'drained':
        this.cut = message.cut;
        break;
      default:
        message satisfies never;
    }
  }

  #emit(event: Event): void {
    this.#options.emit(event);
  }
}
