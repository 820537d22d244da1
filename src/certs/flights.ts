import type { Instant } from '../platform/clock.ts';
import type { Action } from './action.ts';
import type { CertificateId } from './certificate.ts';

/** Work on one certificate that is under way. */
export interface Flight {
  readonly action: Action;
  readonly startedAt: Instant;
  /** Resolves when it has landed and what follows from it is done. Never rejects. */
  readonly landed: Promise<void>;
  abort(): void;
}

/**
 * What is under way: one flight for a certificate, and so many in a lane. Each issuer has lanes of its own, so that a
 * CA that hangs holds up nobody else's work.
 */
export class Flights {
  readonly #flights = new Map<CertificateId, Flight>();
  /** How many there are in each lane. */
  readonly #lanes = new Map<string, number>();
  readonly #width: number;

  /** @param width how many flights there may be in a lane */
  constructor(width: number) {
    this.#width = width;
  }

  get all(): readonly Flight[] {
    return [...this.#flights.values()];
  }

  /** Whether `action` may start: nobody works on its certificate, and its lane has room. */
  hasRoomFor(action: Action): boolean {
    return !this.#flights.has(action.id) && (this.#lanes.get(laneOf(action)) ?? 0) < this.#width;
  }

  /**
   * Starts `work`. When it has ended, first the certificate is free again, then `land` is called: whatever that sets
   * off may start the next flight for it.
   */
  start<Result>(
    action: Action,
    startedAt: Instant,
    work: (signal: AbortSignal) => Promise<Result>,
    land: (landing: Landing<Result>) => void,
  ): void {
    const controller = new AbortController();
    const { signal } = controller;
    const lane = laneOf(action);
    const end = (landing: Landing<Result>): void => {
      this.#flights.delete(action.id);
      this.#lanes.set(lane, (this.#lanes.get(lane) ?? 0) - 1);
      land(landing);
    };
    const landed = (async () => work(signal))().then(
      (result) => end(signal.aborted ? { kind: 'aborted' } : { kind: 'done', result }),
      (fault: unknown) => end({ kind: 'fault', fault }),
    );
    this.#lanes.set(lane, (this.#lanes.get(lane) ?? 0) + 1);
    this.#flights.set(action.id, { action, startedAt, landed, abort: () => controller.abort() });
  }
}

/** How a flight ended. Work must not throw; if it does all the same, that is a fault, and nothing else is lost. */
export type Landing<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'fault'; readonly fault: unknown };

/** The lane of an action: orders and advice for each issuer, the store, staples. */
export function laneOf(action: Action): string {
  switch (action.kind) {
    case 'obtain':
    case 'renew':
      return `orders at ${action.issuer}`;
    case 'update-ari':
      return `advice of ${action.facts.issuer}`;
    case 'adopt':
    case 'save':
      return 'store';
    case 'refresh-staple':
      return 'staples';
    default: {
      const unknown: never = action;
      return unknown;
    }
  }
}
