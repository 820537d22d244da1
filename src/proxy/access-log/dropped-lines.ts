import { messageOf } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';

/** How often it is told, in milliseconds. */
const TELL_EVERY_MS = 60_000;

/** Counts lines of the access log that are lost, and says so at most once a minute. */
export class DroppedLines {
  readonly #emit: Emit;
  #total = 0;
  #untold = 0;
  #reason: unknown = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Since the start. */
  get total(): number {
    return this.#total;
  }

  /** `reason`: the error that it was; null: they came faster than they were taken. */
  readonly add = (count: number, reason: unknown): void => {
    this.#total += count;
    this.#untold += count;
    this.#reason = reason;
    if (this.#timer === null) this.#tell();
  };

  #tell(): void {
    this.#timer = null;
    if (this.#untold === 0) return;
    const reason = this.#reason === null ? 'nobody takes them fast enough' : messageOf(this.#reason);
    this.#emit({ event: 'access-log.dropped', lines: this.#untold, reason });
    this.#untold = 0;
    this.#timer = setTimeout(() => this.#tell(), TELL_EVERY_MS);
    this.#timer.unref();
  }
}
