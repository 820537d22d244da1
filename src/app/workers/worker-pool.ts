import type { Emit } from '../../events/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import { defaultLimits, type Limits, type MetricValues, type WorkerReport } from '../../proxy/protocol.ts';
import type { Publisher } from '../../snapshot/publisher.ts';
import type { WorkerSocket } from './listener-set.ts';
import { emptyMetrics, sumMetrics } from './metric-sums.ts';
import type { AccessLinesListener } from './worker-process.ts';
import { type DrainTimes, WorkerSlot } from './worker-slot.ts';

/** How long figures are waited for, in milliseconds: a stopped worker must not stop the status page. */
const REPORT_TIMEOUT_MS = 500;
/** Longest wait for every worker to take a change in, in milliseconds. */
const CATCH_UP_MS = 3_000;

export interface PoolOptions {
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Default: {@link defaultLimits}. */
  readonly limits?: Limits;
  /** Default: they are dropped. */
  readonly onAccessLines?: AccessLinesListener;
}

/** A worker as `status --json` prints it. */
export interface WorkerStatus {
  readonly id: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly requests: number;
  readonly connections: number;
  readonly eventLoopDelayP99Ms: number;
  /** It takes no new connections and ends when those that it has are done. */
  readonly draining: boolean;
}

/**
 * Keeps workers running and tells them every change of the snapshot.
 *
 * A worker that dies is replaced; the sockets are held here, so the port and the connections that wait on it outlive
 * every one of them.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #slots = new Set<WorkerSlot>();
  #nextId = 1;
  #outlives = false;
  /** Figures of workers that are gone: sums must not shrink. */
  #past: MetricValues = emptyMetrics;

  constructor(options: PoolOptions) {
    this.#options = options;
    options.publisher.onChange(() => {
      for (const slot of this.#slots) slot.tell();
    });
  }

  /** Whether at least one worker takes connections. */
  get ready(): boolean {
    return [...this.#slots].some((slot) => slot.ready && !slot.retired);
  }

  /** How many workers there are to be. */
  get count(): number {
    return [...this.#slots].filter((slot) => !slot.retired).length;
  }

  /**
   * Starts workers on these listeners, and once all are ready lets the former ones finish and end.
   *
   * @param former how long the former ones may take
   * @throws RigilError when they cannot listen, or end before they are ready; then the former ones go on
   */
  async run(listeners: readonly WorkerSocket[], count: number, former: DrainTimes): Promise<void> {
    const old = [...this.#slots];
    const fresh = Array.from({ length: count }, () => this.#open(listeners));
    try {
      await Promise.all(fresh.map((slot) => slot.opened));
    } catch (error) {
      // One of them may have accepted connections already.
      for (const slot of fresh) slot.retire(former);
      throw error;
    }
    for (const slot of old) slot.retire(former);
  }

  /** From now on workers go on serving should this process die: it can have a successor. */
  outlive(): void {
    this.#outlives = true;
    for (const slot of this.#slots) slot.outlive();
  }

  /** Lets them open the file of the access log anew. */
  reopenAccessLog(): void {
    for (const slot of this.#slots) slot.reopen();
  }

  /** Resolves when every worker has the current snapshot, or soon after when one does not answer. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    await this.#within(CATCH_UP_MS, Promise.all([...this.#slots].map((slot) => slot.caughtUp())), signal);
  }

  /** Lets all workers finish what runs. Resolves with the number of connections that had to be cut. */
  async drain(times: DrainTimes): Promise<number> {
    const slots = [...this.#slots];
    for (const slot of slots) slot.retire(times);
    await Promise.all(slots.map((slot) => slot.emptied));
    return slots.reduce((sum, slot) => sum + slot.cut, 0);
  }

  /** Ends all workers at once. */
  killAll(): void {
    for (const slot of this.#slots) slot.kill();
  }

  /** Figures of this moment; those of a worker that does not answer are its latest. */
  async refresh(): Promise<void> {
    await this.#within(REPORT_TIMEOUT_MS, Promise.all([...this.#slots].map((slot) => slot.refresh())));
  }

  /** Sums over all workers there are and were. */
  metrics(): MetricValues {
    return sumMetrics([this.#past, ...[...this.#slots].flatMap((slot) => slot.report?.metrics ?? [])]);
  }

  /** The latest report of each worker. */
  reports(): { readonly worker: number; readonly report: WorkerReport }[] {
    return [...this.#slots].flatMap(({ id, report }) => (report === null ? [] : [{ worker: id, report }]));
  }

  /** The ready ones. */
  status(): WorkerStatus[] {
    return [...this.#slots]
      .filter((slot) => slot.ready)
      .map(({ id, pid, startedAt, report, retired }) => ({
        id,
        pid,
        startedAt: new Date(startedAt).toISOString(),
        requests: report?.requests ?? 0,
        connections: report?.connections ?? 0,
        eventLoopDelayP99Ms: report?.eventLoopDelayMs.p99 ?? 0,
        draining: retired,
      }));
  }

  #open(listeners: readonly WorkerSocket[]): WorkerSlot {
    const { publisher, clock, emit, limits = defaultLimits, onAccessLines } = this.#options;
    const slot = new WorkerSlot({
      id: this.#nextId,
      listeners,
      limits,
      publisher,
      clock,
      emit,
      outlives: () => this.#outlives,
      onAccessLines: (lines, count) => {
        const taken = onAccessLines?.(lines, count) === true;
        if (!taken) this.#past = { ...this.#past, accessLogDropped: this.#past.accessLogDropped + count };
        return taken;
      },
      onPast: (metrics) => {
        this.#past = sumMetrics([this.#past, metrics]);
      },
    });
    this.#nextId += 1;
    this.#slots.add(slot);
    void slot.emptied.then(() => this.#slots.delete(slot));
    return slot;
  }

  async #within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    await Promise.race([work, this.#options.clock.sleep(ms, end)]);
    over.abort();
  }
}

export type { DrainTimes } from './worker-slot.ts';
