import { messageOf } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { sameNames } from '../x509/names.ts';
import type { Action, Plan } from './action.ts';
import { adoptionEvent } from './adopt.ts';
import type { Certificate, CertificateId, Wanted } from './certificate.ts';
import { execute } from './execute.ts';
import { Flights } from './flights.ts';
import { Inventory } from './inventory.ts';
import type { CertificateStore, Issuer, Ports, StapleSource } from './ports.ts';
import { type Landed, type RunOptions, type RunResult, run } from './run.ts';
import type { Entry } from './state.ts';
import { StoreReader } from './store-reader.ts';
import { type CertificateView, viewOf } from './view.ts';

export interface ManagerOptions {
  readonly store: CertificateStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  /**
   * Gets everything that can be served, whenever that changes; a certificate that has not changed is the same object.
   * The map is that of the manager, and good until the next change. Must not throw. Without it nothing is served from here, and no keys are read: enough to list, to plan and to renew.
   */
  readonly publish?: (certificates: ReadonlyMap<CertificateId, Certificate>) => void;
  readonly staples?: StapleSource;
  /** How many flights there may be at one issuer. Default 8. */
  readonly concurrency?: number;
  /** Longest time without a look at the clock, which may jump while the machine sleeps. Default 60 000 milliseconds. */
  readonly longestNapMs?: number;
}

/** How long an aborted flight may take to land, in milliseconds. */
const ABORT_MS = 10_000;

/** Work under way, as `status --json` prints it. */
export interface WorkView {
  readonly id: CertificateId;
  readonly action: Action['kind'];
  readonly startedAt: string;
}

/**
 * Keeps the wanted certificates in force: `load`, `setWanted`, then `start` for a daemon or `run` for a command.
 *
 * It plans, starts a flight for every action that is due, and puts the outcomes into its inventory. Whoever serves
 * gets what is held through `publish` and never waits for anything here.
 */
export class CertificateManager {
  readonly #ports: Omit<Ports, 'issuers'>;
  readonly #publish: () => void;
  readonly #longestNapMs: number;
  readonly #inventory: Inventory;
  readonly #flights: Flights;
  readonly #reader: StoreReader;
  readonly #stopped = new AbortController();
  readonly #listeners = new Set<(landed: Landed) => void>();
  #issuers: ReadonlyMap<string, Issuer> = new Map();
  #nap = new AbortController();
  #loop: Promise<void> | null = null;
  #resting = false;
  #unwatch: (() => void) | null = null;

  constructor(options: ManagerOptions) {
    const { store, clock, random, emit, publish, staples = null } = options;
    this.#ports = { store, clock, random, emit, staples };
    this.#publish = () => publish?.(this.#inventory.certificates);
    this.#longestNapMs = options.longestNapMs ?? 60_000;
    this.#inventory = new Inventory(staples, publish !== undefined);
    this.#flights = new Flights(options.concurrency ?? 8);
    this.#reader = new StoreReader({
      ports: this.#ports,
      inventory: this.#inventory,
      readsKeys: publish !== undefined,
      onNews: () => this.#wake(),
      signal: this.#stopped.signal,
    });
  }

  get entries(): ReadonlyMap<CertificateId, Entry> {
    return this.#inventory.entries;
  }

  /** What is held with its key. Without `publish` only what was obtained since. */
  get certificates(): ReadonlyMap<CertificateId, Certificate> {
    return this.#inventory.certificates;
  }

  /**
   * Reads the store. Before anything else, so that what is there serves from the first moment. When it fails, a
   * manager that is started all the same goes on trying, and orders nothing before it has succeeded.
   *
   * @param options.follow take notice of what others store from now on, as a manager that is started does in any case
   * @throws RigilError that of the store
   */
  load({ follow = false }: { readonly follow?: boolean } = {}): Promise<void> {
    if (follow) this.#follow();
    return this.#reader.load();
  }

  /**
   * Replaces what is wanted, at the start and on every reload. Synchronous: what is held of it is published at once.
   * Flights that are still wanted go on; the others are aborted, and what they bring is dropped.
   *
   * @param options.retry failed certificates may be tried again sooner, and refused ones at all. Default true; false
   *   for who only looks
   */
  setWanted(
    wanted: readonly Wanted[],
    issuers: ReadonlyMap<string, Issuer>,
    { retry = true }: { readonly retry?: boolean } = {},
  ): void {
    const former = this.#inventory.entries;
    this.#issuers = issuers;
    this.#inventory.want(wanted, issuers, this.#ports.clock.now(), retry);
    for (const flight of this.#flights.all) {
      const { id } = flight.action;
      const [before, after] = [former.get(id)?.wanted, this.#inventory.entries.get(id)?.wanted];
      if (!isStillWanted(flight.action, before, after)) flight.abort();
    }
    this.#publish();
    this.#wake();
  }

  /** Starts to work by itself, until `stop`. */
  start(): void {
    if (this.#loop !== null) return;
    // Whatever was stored between `load` and now.
    if (this.#unwatch === null || !this.#reader.loaded) this.#reader.refresh();
    this.#follow();
    this.#loop = this.#work();
  }

  /** The store can be used again after a time in which it could not: whatever waited for it is tried at once. */
  resume(): void {
    this.#inventory.resume(this.#ports.clock.now());
    this.#reader.hurry();
    this.#wake();
  }

  /** Starts what is due and has room. Returns when something may be due that is not now. */
  tick(): Instant {
    if (!this.#reader.loaded || this.#resting) return Number.POSITIVE_INFINITY;
    return this.#inventory.agenda.start(this.#ports.clock.now(), this.#launch).wakeAt;
  }

  /** What is due at `now`, and when to ask again. Touches nothing. */
  plan(now: Instant): Plan {
    return this.#inventory.agenda.planAt(now);
  }

  /**
   * A client waits for this certificate: it is obtained before all others, if its back-off allows. Cheap, to be called
   * for every handshake that fails. Says whether it is news.
   */
  prioritise(id: CertificateId): boolean {
    const news = this.#inventory.prioritise(id);
    if (news) this.#wake();
    return news;
  }

  /**
   * Does what is due for some or all certificates and waits until it is done, as commands do.
   *
   * @throws RigilError `name-unknown`, `aborted`
   */
  run(options: RunOptions = {}): Promise<RunResult> {
    return run(options, {
      signal: this.#stopped.signal,
      clock: this.#ports.clock,
      inventory: this.#inventory,
      flights: this.#flights,
      launch: this.#launch,
      onLanding: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    });
  }

  /** Every certificate that is wanted or stored, as people and scripts see it. */
  views(now: Instant): CertificateView[] {
    return viewOf(this.#inventory, this.#inventory.stored, now);
  }

  work(): WorkView[] {
    return this.#flights.all.map(({ action, startedAt }) => ({
      id: action.id,
      action: action.kind,
      startedAt: new Date(startedAt).toISOString(),
    }));
  }

  /**
   * Starts nothing any more until `endRest`. Resolves when what runs has landed; what has not after `patienceMs`
   * milliseconds is aborted.
   */
  async rest(patienceMs: number): Promise<void> {
    this.#resting = true;
    await this.#landed(patienceMs);
    for (const flight of this.#flights.all) flight.abort();
    await this.#landed(ABORT_MS);
  }

  endRest(): void {
    this.#resting = false;
    this.#wake();
  }

  /** Ends the loop and aborts all flights. Resolves when they have landed, or after `timeoutMs` milliseconds. */
  async stop(timeoutMs = ABORT_MS): Promise<void> {
    this.#stopped.abort();
    this.#unwatch?.();
    this.#wake();
    for (const flight of this.#flights.all) flight.abort();
    await this.#landed(timeoutMs, [this.#loop, this.#reader.idle]);
  }

  async #landed(timeoutMs: number, others: readonly (Promise<unknown> | null)[] = []): Promise<void> {
    const landings = this.#flights.all.map(({ landed }) => landed);
    const done = new AbortController();
    const allDone = Promise.all([...others, ...landings]);
    await Promise.race([allDone, this.#ports.clock.sleep(timeoutMs, done.signal)]);
    done.abort();
  }

  #follow(): void {
    this.#unwatch ??= this.#ports.store.watch(() => this.#reader.refresh());
  }

  async #work(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#stopped.signal.aborted) {
      // Made before the plan: whoever wakes during the tick ends this nap.
      this.#nap = new AbortController();
      const wakeAt = this.#tickOrTell();
      await clock.sleep(Math.min(wakeAt - clock.now(), this.#longestNapMs), this.#nap.signal);
    }
  }

  /** A bug must not end the loop: what is due then waits for the next look. */
  #tickOrTell(): Instant {
    try {
      return this.tick();
    } catch (fault) {
      this.#tellFault('plan', fault);
      return Number.POSITIVE_INFINITY;
    }
  }

  #tellFault(where: string, fault: unknown): void {
    const stack = fault instanceof Error ? (fault.stack ?? null) : null;
    this.#ports.emit({ event: 'fault', where, message: messageOf(fault), stack });
  }

  #wake(): void {
    this.#nap.abort(null);
  }

  readonly #launch = (action: Action): boolean => {
    const { clock } = this.#ports;
    const entry = this.#inventory.entries.get(action.id);
    const { aborted } = this.#stopped.signal;
    if (entry === undefined || aborted || !this.#flights.hasRoomFor(action)) return false;
    const startedAt = clock.now();
    if ('issuer' in action) this.#inventory.noteStart(action.issuer, startedAt);
    this.#inventory.agenda.begin(action.id);
    const certificate = this.#inventory.certificates.get(action.id) ?? null;
    const ports: Ports = { ...this.#ports, issuers: this.#issuers };
    this.#flights.start(
      action,
      startedAt,
      (signal) => execute(action, entry, certificate, ports, signal),
      (landing) => this.#land({ action, landing, durationMs: clock.now() - startedAt }),
    );
    return true;
  };

  #land({ action, landing, durationMs }: Landed): void {
    if (landing.kind === 'fault') this.#tellFault(`${action.kind} ${action.id}`, landing.fault);
    this.#inventory.agenda.end(action.id);
    if (landing.kind === 'done' && this.#inventory.apply(landing.result)) {
      this.#publish();
      if (landing.result.kind === 'adopted') this.#ports.emit(adoptionEvent(landing.result));
    }
    for (const listener of this.#listeners) listener({ action, landing, durationMs });
    // After a fault nothing has changed, and the same action would be due at once: the next look is soon enough.
    if (landing.kind !== 'fault') this.#wake();
  }
}

/** A flight keeps its sense when its certificate is still wanted with the same names, and its issuer still for it. */
function isStillWanted(action: Action, before: Wanted | undefined, after: Wanted | undefined): boolean {
  if (before === undefined || after === undefined || !sameNames(before.names, after.names)) return false;
  return !('issuer' in action) || after.issuers.includes(action.issuer);
}
