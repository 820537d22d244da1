import { RigilError } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import { unusable } from '../../platform/bind.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import { defaultLimits, type MetricValues, type WorkerReport } from '../../proxy/protocol.ts';
import type { Publisher } from '../../snapshot/publisher.ts';
import type { OpenListener } from './listener-set.ts';
import { emptyMetrics, sumMetrics } from './metric-sums.ts';
import { WorkerProcess } from './worker-process.ts';

/** After the first death at once, then longer and longer; a minute alive starts over. In milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const PROVEN_MS = 60_000;
/** A worker that is not ready by then is killed and tried again, in milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** How long figures are waited for, in milliseconds: a stopped worker must not stop the status page. */
const REPORT_TIMEOUT_MS = 500;
/** Longest wait for every worker to take a change in, in milliseconds. */
const CATCH_UP_MS = 3_000;

export interface DrainTimes {
  /** For requests, in milliseconds. */
  readonly requestsMs: number;
  /** For upgraded connections and event streams, in milliseconds. */
  readonly streamsMs: number;
}

export interface PoolOptions {
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** A place for one worker: whoever dies in it is followed by another. */
interface Slot {
  readonly id: number;
  readonly listeners: readonly OpenListener[];
  process: WorkerProcess;
  startedAt: Instant;
  report: WorkerReport | null;
  deaths: number;
  retired: boolean;
  readonly gone: PromiseWithResolvers<void>;
}

/** A worker as `status --json` prints it. */
export interface WorkerStatus {
  readonly id: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly requests: number;
  readonly connections: number;
  readonly eventLoopDelayP99Ms: number;
}

/**
 * Keeps workers running and tells them every change of the snapshot.
 *
 * A worker that dies is replaced; the sockets are held here, so the port and the connections that wait on it outlive
 * every one of them.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  #slots: Slot[] = [];
  #nextId = 1;
  /** Figures of workers that are gone: sums must not shrink. */
  #past: MetricValues = emptyMetrics;

  constructor(options: PoolOptions) {
    this.#options = options;
    options.publisher.onChange((snapshot) => {
      for (const slot of this.#slots) slot.process.tell(snapshot);
    });
  }

  /** Whether at least one worker takes connections. */
  get ready(): boolean {
    return this.#slots.some((slot) => slot.process.ready && !slot.retired);
  }

  get count(): number {
    return this.#slots.filter((slot) => !slot.retired).length;
  }

  /**
   * Starts workers on these listeners, and once they are ready lets the former ones finish and end.
   *
   * @throws RigilError when they cannot listen; then the former ones go on
   */
  async run(listeners: readonly OpenListener[], count: number, former: DrainTimes): Promise<void> {
    const old = this.#slots.filter((slot) => !slot.retired);
    const starts = Array.from({ length: count }, () => this.#open(listeners));
    try {
      await Promise.all(starts.map(({ ready }) => ready));
    } catch (error) {
      for (const { slot } of starts) {
        slot.retired = true;
        slot.process.kill();
      }
      throw error;
    }
    for (const slot of old) this.#retire(slot, former);
  }

  /** Resolves when every worker has the current snapshot, or soon after when one does not answer. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    const all = Promise.all(this.#slots.map((slot) => slot.process.caughtUp()));
    await this.#within(CATCH_UP_MS, all, signal);
  }

  /** Lets all workers finish what runs. Resolves with the number of connections that had to be cut. */
  async drain(times: DrainTimes): Promise<number> {
    const slots = [...this.#slots];
    for (const slot of slots) this.#retire(slot, times);
    await Promise.all(slots.map((slot) => slot.gone.promise));
    return slots.reduce((sum, slot) => sum + slot.process.cut, 0);
  }

  /** Ends all workers at once. */
  killAll(): void {
    for (const slot of this.#slots) {
      slot.retired = true;
      slot.process.kill();
    }
  }

  /** Figures of this moment; those of a worker that does not answer are its latest. */
  async refresh(): Promise<void> {
    const asked = this.#slots.filter((slot) => slot.process.ready && !slot.process.silent);
    await this.#within(REPORT_TIMEOUT_MS, Promise.all(asked.map((slot) => slot.process.report())));
  }

  /** Sums over all workers there are and were. */
  metrics(): MetricValues {
    return sumMetrics([this.#past, ...this.#slots.flatMap((slot) => slot.report?.metrics ?? [])]);
  }

  /** The latest report of each worker. */
  reports(): { readonly worker: number; readonly report: WorkerReport }[] {
    return this.#slots.flatMap(({ id, report }) => (report === null ? [] : [{ worker: id, report }]));
  }

  status(): WorkerStatus[] {
    return this.#slots
      .filter((slot) => slot.process.ready)
      .map(({ id, process, startedAt, report }) => ({
        id,
        pid: process.pid,
        startedAt: new Date(startedAt).toISOString(),
        requests: report?.requests ?? 0,
        connections: report?.connections ?? 0,
        eventLoopDelayP99Ms: report?.eventLoopDelayMs.p99 ?? 0,
      }));
  }

  #open(listeners: readonly OpenListener[]): { readonly slot: Slot; readonly ready: Promise<void> } {
    const id = this.#nextId;
    this.#nextId += 1;
    const ready = Promise.withResolvers<void>();
    const slot: Slot = {
      id,
      listeners,
      process: this.#fork(id, listeners, () => slot, ready),
      startedAt: this.#options.clock.now(),
      report: null,
      deaths: 0,
      retired: false,
      gone: Promise.withResolvers(),
    };
    this.#slots.push(slot);
    return { slot, ready: ready.promise };
  }

  #fork(
    id: number,
    listeners: readonly OpenListener[],
    slotOf: () => Slot,
    first?: PromiseWithResolvers<void>,
  ): WorkerProcess {
    const { publisher, clock, emit } = this.#options;
    const startedAt = clock.now();
    const started = new AbortController();
    const process = new WorkerProcess({
      id,
      snapshot: publisher.current,
      listeners,
      limits: defaultLimits,
      emit,
      onReady: () => {
        started.abort();
        emit({ event: 'worker.started', worker: id, pid: process.pid, durationMs: clock.now() - startedAt });
        first?.resolve();
      },
      onFailed: (address, code) =>
        first?.reject(unusable(address, Object.assign(new Error(code ?? ''), { code }))),
      onReport: (report) => {
        slotOf().report = report;
      },
      onExit: (code, signal) => {
        started.abort();
        this.#exited(slotOf(), process, code, signal);
        first?.reject(
          new RigilError('internal', `worker ${id} ended before it was ready (${code ?? signal})`),
        );
      },
    });
    void clock.sleep(START_TIMEOUT_MS, started.signal).then(() => {
      if (!started.signal.aborted) process.kill();
    });
    return process;
  }

  #exited(slot: Slot, process: WorkerProcess, code: number | null, signal: string | null): void {
    if (slot.report !== null) {
      this.#past = sumMetrics([this.#past, slot.report.metrics]);
      slot.report = null;
    }
    const alive = this.#options.clock.now() - slot.startedAt;
    slot.deaths = alive > PROVEN_MS ? 1 : slot.deaths + 1;
    const retryInMs =
      slot.deaths === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (slot.deaths - 2), LONGEST_PAUSE_MS);
    this.#options.emit({
      event: 'worker.exited',
      worker: slot.id,
      pid: process.pid,
      code,
      signal,
      expected: slot.retired,
      retryInMs: slot.retired ? null : retryInMs,
    });
    if (slot.retired) {
      this.#slots = this.#slots.filter((other) => other !== slot);
      slot.gone.resolve();
      return;
    }
    void this.#options.clock.sleep(retryInMs).then(() => this.#restart(slot));
  }

  #restart(slot: Slot): void {
    if (slot.retired) {
      this.#slots = this.#slots.filter((other) => other !== slot);
      slot.gone.resolve();
      return;
    }
    slot.startedAt = this.#options.clock.now();
    slot.process = this.#fork(slot.id, slot.listeners, () => slot);
  }

  /** It finishes what runs; should it outstay its time, it is killed. */
  #retire(slot: Slot, { requestsMs, streamsMs }: DrainTimes): void {
    slot.retired = true;
    if (!slot.process.ready) return slot.process.kill();
    slot.process.drain(requestsMs, streamsMs);
    const { clock } = this.#options;
    const gone = new AbortController();
    void slot.gone.promise.then(() => gone.abort());
    void clock.sleep(streamsMs + 5_000, gone.signal).then(() => {
      if (!gone.signal.aborted) slot.process.kill();
    });
  }

  async #within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    await Promise.race([work, this.#options.clock.sleep(ms, end)]);
    over.abort();
  }
}
