import type { FailureKind } from '../failure.ts';

/** How long an upstream is left alone after a failure, in milliseconds: at first, and at most. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * What the requests of this worker have met with at one upstream, whichever routes it is in.
 *
 * After a failed connection it is left alone for a while that doubles from failure to failure. When that is over one
 * request tries it, and the others keep away until that one has come back, or as long again. Where a request has waited in
 * vain and nobody else was answered meanwhile, the while is at first as long as that wait.
 */
export class Server {
  /** Requests that are under way. */
  underWay = 0;
  /** How many of its requests have been answered, ever. */
  answers = 0;
  /** When it last failed, in milliseconds of the caller's clock. */
  failedAtMs = Number.NEGATIVE_INFINITY;
  #pauses = 0;
  #firstPauseMs = FIRST_PAUSE_MS;
  #awayUntilMs = 0;
  #onTrial = false;

  /** Whether its last connection failed, or its last requests waited in vain. */
  get isFailing(): boolean {
    return this.#pauses > 0;
  }

  /** Whether it is left alone. */
  isAway(nowMs: number): boolean {
    return this.#pauses > 0 && nowMs < this.#awayUntilMs;
  }

  /** A request goes to it. */
  chosen(nowMs: number): void {
    this.underWay += 1;
    if (this.#pauses === 0 || nowMs < this.#awayUntilMs) return;
    this.#onTrial = true;
    this.#awayUntilMs = nowMs + this.#pauseMs;
  }

  /** The request is over, or goes elsewhere. */
  left(): void {
    this.underWay -= 1;
  }

  /** It has answered: all is well. */
  answered(): void {
    this.answers += 1;
    if (this.#pauses > 0) this.recovered();
  }

  /** Nothing of the past counts any more. */
  recovered(): void {
    this.#pauses = 0;
    this.#onTrial = false;
  }

  /**
   * No connection could be made, or nobody was answered. Of many that fail at the same time the first one counts.
   *
   * @param waitedMs how long a request has waited for an answer
   */
  failed(nowMs: number, waitedMs = 0): void {
    this.failedAtMs = nowMs;
    if (this.#pauses > 0 && !this.#onTrial) return;
    this.#onTrial = false;
    this.#pauses += 1;
    this.#firstPauseMs = Math.max(FIRST_PAUSE_MS, waitedMs);
    this.#awayUntilMs = nowMs + this.#pauseMs;
  }

  get #pauseMs(): number {
    return Math.min(LONGEST_PAUSE_MS, this.#firstPauseMs * 2 ** (this.#pauses - 1));
  }
}

/** Whether a failure says that an upstream cannot be connected to. */
export function isAbsence(kind: FailureKind): boolean {
  return kind === 'refused' || kind === 'connect-timeout' || kind === 'unresolved' || kind === 'tls';
}

/** Whether a failure says that an upstream has a connection and does nothing with it. */
export function isSilence(kind: FailureKind): boolean {
  return kind === 'response-timeout' || kind === 'stalled';
}
