import { messageOf } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { describeUpstream } from '../proxy/upstream/upstreams.ts';
import type { Probe, Question } from './probe.ts';
import { Turnstile } from './turnstile.ts';

/** Failures in a row that make an upstream down. */
const PATIENCE = 2;
/** After a failure the next question follows within this time, in milliseconds. */
const DOUBT_MS = 1_000;
/** Questions under way at a time. */
const MOST_QUESTIONS = 64;
/** So that a thousand first questions do not fall on the same moment: this long for each, in milliseconds. */
const SPREAD_MS = 5;

/** What is looked after: one upstream of one route. */
export interface Target {
  /** As the snapshot names it. */
  readonly key: string;
  readonly route: string;
  readonly question: Question;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Statuses from the first to the last are good. */
  readonly status: { readonly first: number; readonly last: number };
}

/** How an upstream is. */
export interface Health {
  /** `unknown` until the first answer, or the second failure. */
  readonly state: 'unknown' | 'up' | 'down';
  /** Since when it is in this state. */
  readonly since: Instant;
  /** What was wrong with the last answer; null = nothing. */
  readonly problem: string | null;
}

export interface HealthMonitorOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  /** Told when an upstream has gone down or come up. */
  readonly onChange: (down: ReadonlySet<string>) => void;
}

/** Asks upstreams how they are, and knows what they said last. */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #turnstile = new Turnstile(MOST_QUESTIONS);
  readonly #watches = new Map<string, Watch>();
  readonly #health = new Map<string, Health>();
  #down: ReadonlySet<string> = new Set();

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
  }

  /** The keys of those that are down. Always the same set while nothing changes. */
  get down(): ReadonlySet<string> {
    return this.#down;
  }

  /** Null where nobody asks. */
  healthOf(key: string): Health | null {
    return this.#health.get(key) ?? null;
  }

  /**
   * Looks after these from now on. What is known about one stays known; one that is no more among them is forgotten.
   * `onChange` hears nothing of that: `down` is what it is then.
   */
  use(targets: readonly Target[]): void {
    const wanted = new Map(targets.map((target) => [target.key, target]));
    for (const [key, watch] of this.#watches) {
      if (isSame(watch.target, wanted.get(key))) continue;
      watch.ended.abort();
      this.#watches.delete(key);
      if (!wanted.has(key)) this.#health.delete(key);
    }
    const spreadMs = targets.length * SPREAD_MS;
    for (const [key, target] of wanted) if (!this.#watches.has(key)) this.#start(key, target, spreadMs);
    this.#settle();
  }

  /** Asks nobody any more. What is known stays known. */
  stop(): void {
    for (const { ended } of this.#watches.values()) ended.abort();
    this.#watches.clear();
  }

  #start(key: string, target: Target, spreadMs: number): void {
    const { clock, random } = this.#options;
    const watch = { target, ended: new AbortController() };
    this.#watches.set(key, watch);
    if (!this.#health.has(key)) {
      this.#health.set(key, { state: 'unknown', since: clock.now(), problem: null });
    }
    void this.#follow(watch, random.fraction() * Math.min(spreadMs, target.intervalMs));
  }

  async #follow({ target, ended: { signal } }: Watch, delayMs: number): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(delayMs, signal);
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = clock.now();
      const problem = await this.#turnstile.pass(() => this.#ask(target, signal));
      if (signal.aborted) return;
      failures = problem === null ? 0 : failures + 1;
      this.#heard(target, problem, failures);
      const isInDoubt = failures > 0 && failures < PATIENCE;
      const pauseMs = isInDoubt ? Math.min(DOUBT_MS, target.intervalMs) : target.intervalMs;
      // A clock that was set back must not make this a long wait.
      const passedMs = Math.max(0, clock.now() - startedAt);
      await clock.sleep(Math.max(0, pauseMs - passedMs), signal);
    }
  }

  /** What is wrong, or null. */
  async #ask({ question, timeoutMs, status }: Target, ended: AbortSignal): Promise<string | null> {
    const over = new AbortController();
    const late = new AbortController();
    const signal = AbortSignal.any([ended, late.signal]);
    void this.#options.clock.sleep(timeoutMs, over.signal).then(() => {
      if (!over.signal.aborted) late.abort(new Error(`no answer within ${timeoutMs} ms`));
    });
    try {
      const answer = await this.#options.probe(question, signal);
      return answer >= status.first && answer <= status.last ? null : `it answered with status ${answer}`;
    } catch (error) {
      return messageOf(late.signal.aborted ? late.signal.reason : error);
    } finally {
      over.abort();
    }
  }

  #heard({ key, route, question }: Target, problem: string | null, failures: number): void {
    const { clock, emit } = this.#options;
    const now = clock.now();
    const before = this.#health.get(key) ?? { state: 'unknown', since: now, problem: null };
    const state = problem === null ? 'up' : failures >= PATIENCE ? 'down' : before.state;
    const since = state === before.state ? before.since : now;
    this.#health.set(key, { state, since, problem });
    if (state === before.state) return;
    const upstream = describeUpstream(question.upstream);
    if (state === 'down') emit({ event: 'upstream.down', route, upstream, message: problem ?? '' });
    if (before.state === 'down') emit({ event: 'upstream.up', route, upstream, downMs: now - before.since });
    if (this.#settle()) this.#options.onChange(this.#down);
  }

  /** Whether there are others than before among those that are down. */
  #settle(): boolean {
    const down = [...this.#health].filter(([, { state }]) => state === 'down').map(([key]) => key);
    if (down.length === this.#down.size && down.every((key) => this.#down.has(key))) return false;
    this.#down = new Set(down);
    return true;
  }
}

interface Watch {
  readonly target: Target;
  readonly ended: AbortController;
}

function isSame(one: Target, other: Target | undefined): boolean {
  return other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}
