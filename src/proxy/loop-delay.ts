import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { WorkerReport } from './protocol.ts';

/** How often the loop is looked at, in milliseconds: what is shorter is not seen. */
const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

/** How late the event loop was, from one {@link turn} to the next. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #last: WorkerReport['eventLoopDelayMs'] = { p50: 0, p99: 0, max: 0 };

  constructor() {
    this.#histogram.enable();
  }

  /** Of the last whole period, in milliseconds. */
  get last(): WorkerReport['eventLoopDelayMs'] {
    return this.#last;
  }

  /** Begins a new period. */
  turn(): void {
    const histogram = this.#histogram;
    this.#last = {
      p50: delayMs(histogram.percentile(50)),
      p99: delayMs(histogram.percentile(99)),
      max: delayMs(histogram.max),
    };
    histogram.reset();
  }
}

/** The histogram holds the time from one look to the next. */
function delayMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
