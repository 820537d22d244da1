import type { Instant } from '../platform/clock.ts';
import type { Action, Plan } from './action.ts';
import type { CertificateId } from './certificate.ts';
import { laneOf } from './flights.ts';
import { Heap } from './heap.ts';
import { nextFor } from './next-action.ts';
import { freeAt, noteStart } from './pace.ts';
import { servesUntil } from './renewal.ts';
import type { Entry, State } from './state.ts';

/** What became of what is due. */
export interface Progress {
  /** Something found no room: the end of a flight is the time to ask again. */
  readonly waits: boolean;
  /** Something waits until its issuer may be asked again. */
  readonly paced: boolean;
  /** When something may be due, or its issuer be asked, that is not now. `Infinity` = nothing is coming. */
  readonly wakeAt: Instant;
}

/**
 * The entries by what comes next for each, which {@link nextFor} says: an index, so that with ten thousand certificates
 * an outcome costs what it has changed, and a look at the clock costs what has become due.
 *
 * What is due waits in the lane of its action, the most urgent first. Every entry whose answer will change by time alone
 * is queued by that moment, and asked again when it has come.
 */
export class Agenda {
  readonly #slots = new Map<CertificateId, Slot>();
  readonly #lanes = new Map<string, Heap<DueSlot>>();
  /** Slots that nobody has asked about yet. */
  #fresh: Slot[] = [];
  readonly #changes = new Heap<Slot>((left, right) => left.changesAt - right.changesAt);
  readonly #inFlight = new Set<CertificateId>();
  readonly #prioritised = new Set<CertificateId>();
  readonly #issuers: () => State['issuers'];
  #ordinals = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param issuers what is known of them now; after `advises` has changed, `replace` is due */
  constructor(issuers: () => State['issuers']) {
    this.#issuers = issuers;
  }

  static of({ entries, issuers, inFlight, prioritised }: State): Agenda {
    const agenda = new Agenda(() => issuers);
    for (const id of inFlight) agenda.#inFlight.add(id);
    for (const id of prioritised) agenda.#prioritised.add(id);
    agenda.replace(entries.values());
    return agenda;
  }

  get inFlight(): ReadonlySet<CertificateId> {
    return this.#inFlight;
  }

  get prioritised(): ReadonlySet<CertificateId> {
    return this.#prioritised;
  }

  /** How many places it takes in memory, a few times as many as there are entries at most. */
  get size(): number {
    const lanes = [...this.#lanes.values()].reduce((sum, { size }) => sum + size, 0);
    return lanes + this.#changes.size + this.#fresh.length;
  }

  /** Takes `entries`, in their order, in the place of all that there were. */
  replace(entries: Iterable<Entry>): void {
    this.#slots.clear();
    this.#lanes.clear();
    this.#changes.keep(() => false);
    this.#fresh = [];
    this.#ordinals = 0;
    for (const entry of entries) this.put(entry);
    for (const id of this.#prioritised) if (!this.#slots.has(id)) this.#prioritised.delete(id);
  }

  /** Takes an entry in the place of the one with its id. */
  put(entry: Entry): void {
    const former = this.#slots.get(entry.wanted.id);
    if (former === undefined) this.#ordinals += 1;
    const ordinal = former?.ordinal ?? this.#ordinals;
    const slot = { entry, ordinal, due: null, changesAt: Number.NEGATIVE_INFINITY, gone: false };
    this.#occupy(slot);
    if (!this.#inFlight.has(entry.wanted.id)) this.#fresh.push(slot);
  }

  /** Somebody works on it from now on: nothing is due for it. */
  begin(id: CertificateId): void {
    this.#inFlight.add(id);
    this.#requeue(id);
  }

  end(id: CertificateId): void {
    this.#inFlight.delete(id);
    this.#requeue(id);
  }

  /** A client waits for it: it goes first, until it is {@link satisfy}-ed. */
  prioritise(id: CertificateId): void {
    this.#prioritised.add(id);
    this.#requeue(id);
  }

  satisfy(id: CertificateId): void {
    this.#prioritised.delete(id);
  }

  /**
   * Starts what is due at `now`, the most urgent first.
   *
   * @param launch calls {@link begin} and says true, or says false when there is no room for it
   * @param wants what is not wanted is passed over
   */
  start(
    now: Instant,
    launch: (action: Action) => boolean,
    wants = (_action: Action): boolean => true,
  ): Progress {
    this.#lookAt(now);
    let waits = false;
    let paced = false;
    let wakeAt = this.#nextChange();
    const passed: (readonly [Heap<DueSlot>, DueSlot])[] = [];
    const open = new Set(this.#lanes.values());
    /** Of the first ones of all lanes that are open, since issuers may share what an account may start. */
    const mostUrgent = (): readonly [Heap<DueSlot>, Action] | null => {
      let best: readonly [Heap<DueSlot>, DueSlot] | null = null;
      for (const lane of open) {
        let slot = lane.first();
        for (; slot !== undefined && (slot.gone || !wants(slot.due.action)); slot = lane.first()) {
          if (!slot.gone) passed.push([lane, slot]);
          lane.take();
        }
        if (slot === undefined) open.delete(lane);
        else if (best === null || byUrgency(slot, best[1]) < 0) best = [lane, slot];
      }
      return best === null ? null : [best[0], best[1].due.action];
    };
    for (let next = mostUrgent(); next !== null; next = mostUrgent()) {
      const [lane, action] = next;
      const free = this.#freeAt(action, now);
      if (free <= now && launch(action)) continue;
      if (free > now) {
        paced = true;
        wakeAt = Math.min(wakeAt, free);
      } else waits = true;
      open.delete(lane);
    }
    for (const [lane, slot] of passed) lane.put(slot);
    return { waits, paced, wakeAt };
  }

  /** All that is due at `now`. */
  planAt(now: Instant): Plan {
    this.#lookAt(now);
    const due = [...this.#lanes.values()].flatMap(({ items }) => items.filter(({ gone }) => !gone));
    due.sort(byUrgency);
    let issuers = this.#issuers();
    const actions: Action[] = [];
    const paced: Action[] = [];
    let wakeAt = this.#nextChange();
    for (const { action } of due.map((slot) => slot.due)) {
      const issuer = 'issuer' in action ? issuers.get(action.issuer) : undefined;
      const free = issuer === undefined ? now : freeAt(issuer, now);
      if (free > now) {
        paced.push(action);
        wakeAt = Math.min(wakeAt, free);
        continue;
      }
      actions.push(action);
      if ('issuer' in action) issuers = noteStart(issuers, action.issuer, now);
    }
    return { actions, paced, wakeAt };
  }

  /** Asks again for every entry whose answer may be another one now. */
  #lookAt(now: Instant): void {
    // A clock that was set back: what was due may not be any more.
    if (now < this.#lookedAt) for (const id of this.#slots.keys()) this.#requeue(id);
    this.#lookedAt = now;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const slot of fresh) if (!slot.gone) this.#ask(slot, now);
    for (let slot = this.#changes.first(); slot !== undefined; slot = this.#changes.first()) {
      if (!slot.gone && slot.changesAt > now) return;
      this.#changes.take();
      if (!slot.gone) this.#ask(slot, now);
    }
  }

  #ask({ entry, ordinal }: Slot, now: Instant): void {
    const { action, changesAt } = nextFor(entry, this.#issuers(), now);
    const due = action === null ? null : { action, rank: this.#rankOf(action), by: neededBy(action, entry) };
    const slot = { entry, ordinal, due, changesAt, gone: false };
    this.#occupy(slot);
    if (changesAt !== Number.POSITIVE_INFINITY) {
      this.#tidy(this.#changes);
      this.#changes.put(slot);
    }
    if (!isDue(slot)) return;
    const name = laneOf(slot.due.action);
    const lane = this.#lanes.get(name) ?? new Heap(byUrgency);
    this.#lanes.set(name, lane);
    this.#tidy(lane);
    lane.put(slot);
  }

  #requeue(id: CertificateId): void {
    const slot = this.#slots.get(id);
    if (slot !== undefined) this.put(slot.entry);
  }

  #occupy(slot: Slot): void {
    const { id } = slot.entry.wanted;
    const former = this.#slots.get(id);
    if (former !== undefined) former.gone = true;
    this.#slots.set(id, slot);
  }

  /** What is gone is only marked; it is thrown out when it is more than half. */
  #tidy(heap: Heap<DueSlot> | Heap<Slot>): void {
    if (heap.size > 2 * this.#slots.size + 16) heap.keep(({ gone }) => !gone);
  }

  #nextChange(): Instant {
    for (let slot = this.#changes.first(); slot !== undefined; slot = this.#changes.first()) {
      if (!slot.gone) return slot.changesAt;
      this.#changes.take();
    }
    return Number.POSITIVE_INFINITY;
  }

  #freeAt(action: Action, now: Instant): Instant {
    const issuer = 'issuer' in action ? this.#issuers().get(action.issuer) : undefined;
    return issuer === undefined ? now : freeAt(issuer, now);
  }

  /** Smaller goes first: what is there already, what clients wait for, what is missing, what is due, and upkeep. */
  #rankOf({ kind, id }: Action): number {
    return kind === 'obtain' && this.#prioritised.has(id) ? 1 : RANK[kind];
  }
}

const RANK = { adopt: 0, obtain: 2, renew: 3, save: 4, 'refresh-staple': 5, 'update-ari': 6 } as const;

/** An entry, with what was last found out about it. */
interface Slot {
  readonly entry: Entry;
  /** Its place in the order of the configuration. */
  readonly ordinal: number;
  readonly due: { readonly action: Action; readonly rank: number; readonly by: Instant } | null;
  /** When to find out again; `-Infinity` = at the next look. */
  readonly changesAt: Instant;
  /** Another one has taken its place. */
  gone: boolean;
}

type DueSlot = Slot & { readonly due: NonNullable<Slot['due']> };

function isDue(slot: Slot): slot is DueSlot {
  return slot.due !== null;
}

/** Where an issuer takes few orders at a time, a renewal that became due later may be needed sooner. */
function neededBy({ kind, dueAt }: Action, { held, wanted }: Entry): Instant {
  return kind === 'renew' && held !== null ? servesUntil(held, wanted) : dueAt;
}

function byUrgency(left: DueSlot, right: DueSlot): number {
  return (
    left.due.rank - right.due.rank ||
    left.due.by - right.due.by ||
    left.due.action.dueAt - right.due.action.dueAt ||
    left.ordinal - right.ordinal
  );
}
