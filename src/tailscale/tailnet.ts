import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { LocalApi } from './local-api.ts';

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS = 5_000;

export interface TailnetOptions {
  readonly api: Pick<LocalApi, 'status'>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Nobody wants to know any more. */
  readonly signal: AbortSignal;
}

/**
 * Which addresses this machine has in its tailnet, as far as is known. A daemon that is away or logged out takes none of
 * them away: they may come back, and until then nobody can reach them.
 */
export class Tailnet {
  readonly #options: TailnetOptions;
  #addresses: readonly string[] = [];
  /** The trouble that was told last, so that it is told once. */
  #told: string | null = null;

  constructor(options: TailnetOptions) {
    this.#options = options;
  }

  /** Sorted. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Asks the Tailscale daemon. Never rejects. */
  async ask(): Promise<void> {
    const { api, clock, signal } = this.#options;
    const over = new AbortController();
    const end = AbortSignal.any([over.signal, signal]);
    void clock.sleep(ANSWER_MS, end).then(() => over.abort());
    try {
      const { state, hasInterface, addresses } = await api.status(end);
      if (state !== 'Running') {
        this.#tell('tailscale-refused', `this machine is in no tailnet: ${state}`, 'tailscale up');
      } else if (!hasInterface) {
        const hint = 'run tailscaled without --tun=userspace-networking';
        this.#tell('tailscale-refused', 'the Tailscale daemon is in userspace mode', hint);
      } else this.#take(addresses);
    } catch (error) {
      if (signal.aborted) return;
      const hint = error instanceof RigilError ? error.hint : null;
      if (over.signal.aborted) this.#tell('tailscale-unreachable', `no answer in ${ANSWER_MS} ms`, null);
      else this.#tell(codeOf(error), messageOf(error), hint);
    } finally {
      over.abort();
    }
  }

  #take(addresses: readonly string[]): void {
    const sorted = [...addresses].sort();
    const changed = sorted.join() !== this.#addresses.join();
    if (changed || this.#told !== null) {
      this.#options.emit({ event: 'tailnet.joined', addresses: sorted });
    }
    this.#told = null;
    this.#addresses = sorted;
  }

  #tell(code: string, message: string, hint: string | null): void {
    const trouble = code === 'tailscale-unreachable' ? code : message;
    if (trouble === this.#told) return;
    this.#told = trouble;
    this.#options.emit({ event: 'tailnet.lost', code, message, hint });
  }
}
