import { RigilError } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import { unusable } from '../../platform/unusable-address.ts';
import type { Limits, MetricValues, WorkerReport } from '../../proxy/protocol.ts';
import type { Publisher } from '../../snapshot/publisher.ts';
import type { WorkerSocket } from './listener-set.ts';
import { type AccessLinesListener, WorkerProcess } from './worker-process.ts';

/** After the first death at once, then longer and longer; a minute alive starts over. In milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const PROVEN_MS = 60_000;
/** A worker that is not ready by then is killed, in milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** A worker that does not answer for so long while it should drain is finishing nothing, in milliseconds. */
const SILENCE_MS = 5_000;
/** What a drain may take longer than it was told, in milliseconds. */
const GRACE_MS = 5_000;

export interface DrainTimes {
  /** For requests, in milliseconds. */
  readonly requestsMs: number;
  /** For upgraded connections and event streams, in milliseconds. */
  readonly streamsMs: number;
}

export interface SlotOptions {
  readonly id: number;
  readonly listeners: readonly WorkerSocket[];
  readonly limits: Limits;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Told the last figures of a process that is gone. */
  readonly onPast: (metrics: MetricValues) => void;
  readonly onAccessLines: AccessLinesListener;
  /** Whether its workers go on when this process dies. */
  readonly outlives: () => boolean;
}

/** A place for one worker: whoever dies in it is followed by another, until it is retired. */
export class WorkerSlot {
  readonly id: number;
  /** Resolves when its first worker takes connections; rejects with a RigilError when that one never does. */
  readonly opened: Promise<void>;
  /** Resolves when it is retired and empty. */
  readonly emptied: Promise<void>;
  /** The latest figures of the worker in it. */
  report: WorkerReport | null = null;
  readonly #options: SlotOptions;
  readonly #opened = Promise.withResolvers<void>();
  readonly #emptied = Promise.withResolvers<void>();
  /** Aborts when nothing of it is left. */
  readonly #over = new AbortController();
  /** Aborts when it is retired: ends a pause between two workers. */
  readonly #retired = new AbortController();
  #proven = false;
  #deaths = 0;
  #startedAt: Instant;
  #process: WorkerProcess;

  constructor(options: SlotOptions) {
    this.id = options.id;
    this.#options = options;
    this.opened = this.#opened.promise;
    this.emptied = this.#emptied.promise;
    this.#startedAt = options.clock.now();
    this.#process = this.#fork();
  }

  get ready(): boolean {
    return this.#process.ready;
  }

  get retired(): boolean {
    return this.#retired.signal.aborted;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** When the worker in it was started. */
  get startedAt(): Instant {
    return this.#startedAt;
  }

  /** Connections that the drain had to cut. */
  get cut(): number {
    return this.#process.cut;
  }

  /** See {@link WorkerProcess.tell}. */
  tell(): void {
    this.#process.tell(this.#options.publisher.current);
  }

  /** See {@link WorkerProcess.reopen}. */
  reopen(): void {
    this.#process.reopen();
  }

  /** See {@link WorkerProcess.outlive}. */
  outlive(): void {
    this.#process.outlive();
  }

  /** See {@link WorkerProcess.caughtUp}. */
  caughtUp(): Promise<void> {
    return this.#process.caughtUp();
  }

  /** Asks for new figures, unless the last question is still open. Resolves when they are there. */
  async refresh(): Promise<void> {
    if (this.#process.ready && !this.#process.silent) await this.#process.report();
  }

  /** Its worker finishes what runs and is not followed by another. Should it outstay its time, it is killed. */
  retire({ requestsMs, streamsMs }: DrainTimes): void {
    if (this.retired) return;
    const process = this.#process;
    this.#retired.abort();
    if (!process.ready) {
      process.kill();
      return;
    }
    process.drain(requestsMs, streamsMs);
    void this.#killAfter(streamsMs + GRACE_MS);
    const answered = new AbortController();
    void process.report().then(() => answered.abort());
    void this.#killAfter(SILENCE_MS, answered.signal);
  }

  /** Ends its worker at once; no other follows. */
  kill(): void {
    this.#retired.abort();
    this.#process.kill();
  }

  #fork(): WorkerProcess {
    const { clock, publisher, emit, listeners, limits, onAccessLines, outlives } = this.#options;
    const startedAt = clock.now();
    const started = new AbortController();
    const process: WorkerProcess = new WorkerProcess({
      id: this.id,
      snapshot: publisher.current,
      listeners,
      limits,
      outlives: outlives(),
      emit,
      onAccessLines,
      onReady: () => {
        started.abort();
        this.#proven = true;
        const durationMs = clock.now() - startedAt;
        emit({ event: 'worker.started', worker: this.id, pid: process.pid, durationMs });
        this.#opened.resolve();
      },
      onFailed: (address, code) =>
        this.#opened.reject(unusable(address, Object.assign(new Error(code ?? 'unknown'), { code }))),
      onReport: (report) => {
        this.report = report;
      },
      onExit: (code, signal) => {
        started.abort();
        void this.#exited(process.pid, code, signal);
      },
    });
    void clock.sleep(START_TIMEOUT_MS, started.signal).then(() => {
      if (!started.signal.aborted) process.kill();
    });
    return process;
  }

  async #exited(pid: number, code: number | null, signal: string | null): Promise<void> {
    const { clock, emit, onPast } = this.#options;
    if (this.report !== null) onPast(this.report.metrics);
    this.report = null;
    const follows = this.#proven && !this.retired;
    const retryInMs = follows ? this.#pauseMs() : null;
    const expected = this.retired;
    emit({ event: 'worker.exited', worker: this.id, pid, code, signal, expected, retryInMs });
    if (retryInMs !== null) await clock.sleep(retryInMs, this.#retired.signal);
    if (follows && !this.retired) {
      this.#startedAt = clock.now();
      this.#process = this.#fork();
      return;
    }
    const how = signal ?? (code === null ? 'it could not be started' : `exit code ${code}`);
    this.#opened.reject(new RigilError('internal', `worker ${this.id} ended before it was ready: ${how}`));
    this.#retired.abort();
    this.#over.abort();
    this.#emptied.resolve();
  }

  #pauseMs(): number {
    const alive = this.#options.clock.now() - this.#startedAt;
    this.#deaths = alive > PROVEN_MS ? 1 : this.#deaths + 1;
    return this.#deaths === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#deaths - 2), LONGEST_PAUSE_MS);
  }

  async #killAfter(ms: number, unless?: AbortSignal): Promise<void> {
    const over = this.#over.signal;
    const end = unless === undefined ? over : AbortSignal.any([over, unless]);
    await this.#options.clock.sleep(ms, end);
    if (!end.aborted) this.#process.kill();
  }
}
