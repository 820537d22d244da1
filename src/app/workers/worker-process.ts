import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Emit } from '../../events/bus.ts';
import type { FromWorker, Limits, ToWorker, WorkerReport } from '../../proxy/protocol.ts';
import { diff } from '../../snapshot/patch.ts';
import { emptySnapshot, type Snapshot } from '../../snapshot/snapshot.ts';
import type { WorkerSocket } from './listener-set.ts';
import { workerEnvironment } from './worker-environment.ts';

/** The program of a worker: the source when run from there, else what was built. */
const PROGRAM = new URL(
  `../../proxy/worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/**
 * Room for what outlives a few requests, in megabytes. From V8's own beginnings a worker that takes 200 new connections has
 * marked its whole heap, and forgets with each marking what it learned about its code. The young generation stays small: it
 * fits into the processor's cache.
 */
const HEAP = ['--initial-old-space-size=64'];

/** Descriptors of a child before those of the listeners: stdin, stdout, stderr, the channel. */
const FIRST_LISTENER_FD = 4;
/** Of one piece of output, in characters. */
const LONGEST_OUTPUT = 4_096;
/** Questions that may be open at a time: to one who does not answer no more are sent. */
const MOST_QUESTIONS = 16;

/** Takes `count` whole lines of the access log that are to be written here; returns false when they are lost. */
export type AccessLinesListener = (lines: Uint8Array, count: number) => boolean;

export interface WorkerProcessOptions {
  readonly id: number;
  readonly snapshot: Snapshot;
  readonly listeners: readonly WorkerSocket[];
  readonly limits: Limits;
  /** See `outlive` of the protocol. */
  readonly outlives: boolean;
  readonly emit: Emit;
  readonly onReady: () => void;
  /** It cannot listen; its exit follows. */
  readonly onFailed: (address: string, code: string | null) => void;
  readonly onReport: (report: WorkerReport) => void;
  readonly onAccessLines: AccessLinesListener;
  /** Called once, when the process is gone and all that it said has arrived. Both null: it could not be started. */
  readonly onExit: (code: number | null, signal: string | null) => void;
}

/** One worker as the control process sees it. */
export class WorkerProcess {
  readonly pid: number;
  /** Connections that its drain had to cut. */
  cut = 0;
  readonly #options: WorkerProcessOptions;
  readonly #child: ChildProcess;
  #ready = false;
  #gone = false;
  /** What it has, as far as it was told. */
  #told: Snapshot;
  /** What it has not been told yet, because its channel is full: the newest is enough. */
  #next: Snapshot | null = null;
  #sending = false;
  #questions = 0;
  readonly #answers = new Map<number, (report: WorkerReport | null) => void>();
  readonly #waiting = new Set<() => void>();

  constructor(options: WorkerProcessOptions) {
    const { id, snapshot, listeners, limits, outlives } = options;
    this.#options = options;
    this.#child = fork(PROGRAM, [], {
      serialization: 'advanced',
      execArgv: ['--no-warnings', ...HEAP, ...trustOptions()],
      env: workerEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...listeners.map(({ fd }) => fd)],
    });
    this.pid = this.#child.pid ?? 0;
    this.#told = snapshot;
    this.#listen();
    this.#send({
      type: 'start',
      worker: id,
      patch: diff(emptySnapshot, snapshot),
      listeners: listeners.map(({ role, address }, at) => ({ role, address, fd: FIRST_LISTENER_FD + at })),
      limits,
      outlives,
    });
  }

  /** Whether it takes connections. */
  get ready(): boolean {
    return this.#ready && !this.#gone;
  }

  /** Whether it has not answered a question yet: stopped, or busy. */
  get silent(): boolean {
    return this.#answers.size > 0;
  }

  /** Tells it the newest snapshot, at once or as soon as its channel has room. */
  tell(snapshot: Snapshot): void {
    this.#next = snapshot;
    this.#pump();
  }

  /** Resolves when it has what `tell` was last called with, or is gone. */
  async caughtUp(): Promise<void> {
    while (!this.#gone && (this.#next !== null || this.#sending)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    // Messages arrive in order: an answer says that all before it was taken in.
    await this.report();
  }

  /** Its figures now; null when it is gone, or has left too many questions unanswered. */
  report(): Promise<WorkerReport | null> {
    if (this.#gone || this.#answers.size >= MOST_QUESTIONS) return Promise.resolve(null);
    this.#questions += 1;
    const request = this.#questions;
    return new Promise((resolve) => {
      this.#answers.set(request, resolve);
      this.#send({ type: 'report', request });
    });
  }

  /** See `reopen` of the protocol. */
  reopen(): void {
    this.#send({ type: 'reopen' });
  }

  /** See `outlive` of the protocol. */
  outlive(): void {
    this.#send({ type: 'outlive' });
  }

  drain(requestsMs: number, streamsMs: number): void {
    this.#send({ type: 'drain', requestsMs, streamsMs });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #listen(): void {
    const child = this.#child;
    child.on('message', (message: FromWorker) => this.#receive(message));
    child.on('error', (error) => {
      this.#tellOutput(error.message);
      if (child.pid === undefined) this.#end(null, null);
    });
    // Nothing of ours writes there, but Node itself may: the last words before an abort.
    for (const stream of [child.stdout, child.stderr]) this.#drainOutput(stream);
    // Its last messages may still be on the way when it is gone.
    child.once('exit', (code, signal) => {
      if (child.connected) child.once('disconnect', () => this.#end(code, signal));
      else this.#end(code, signal);
    });
  }

  #end(code: number | null, signal: string | null): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const answer of this.#answers.values()) answer(null);
    this.#answers.clear();
    this.#wake();
    this.#options.onExit(code, signal);
  }

  #pump(): void {
    const next = this.#next;
    if (next === null || this.#sending || this.#gone) return;
    this.#next = null;
    const patch = diff(this.#told, next);
    this.#told = next;
    this.#sending = true;
    this.#send({ type: 'patch', patch }, () => {
      this.#sending = false;
      this.#pump();
      if (!this.#sending) this.#wake();
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** `done` is called when the message is in the channel, which a process that does not read delays. */
  #send(message: ToWorker, done: () => void = () => {}): void {
    if (this.#child.connected) this.#child.send(message, () => done());
    else done();
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        this.#options.onReady();
        break;
      case 'failed':
        this.#options.onFailed(message.address, message.code);
        break;
      case 'event':
        this.#options.emit(message.event);
        break;
      case 'access-log':
        this.#options.onAccessLines(message.lines, message.count);
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

  #drainOutput(stream: Readable | null): void {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => this.#tellOutput(text));
  }

  #tellOutput(text: string): void {
    const said = text.trim().slice(0, LONGEST_OUTPUT);
    if (said !== '') this.#options.emit({ event: 'worker.said', worker: this.#options.id, text: said });
  }
}

/**
 * The roots of the system are trusted, too; another thread reads them while the worker starts. Where there are none, as in
 * a container with nothing but Node in it, Node would complain at every start.
 */
function trustOptions(): readonly string[] {
  const { SSL_CERT_FILE = '/etc/ssl/cert.pem', SSL_CERT_DIR = '/etc/ssl/certs' } = process.env;
  const hasRoots = process.platform !== 'linux' || existsSync(SSL_CERT_FILE) || existsSync(SSL_CERT_DIR);
  return hasRoots ? ['--use-system-ca'] : [];
}
