import type { DocumentPath } from '../certs/ports.ts';
import { codeOf } from '../errors.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Store } from '../store/store.ts';

export interface TicketKeysOptions {
  readonly store: Pick<Store, 'documents' | 'fleet'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Puts keys in force. */
  readonly use: (keys: Uint8Array) => void;
  /** Told what went wrong with the store; it is tried again. */
  readonly onFault: (fault: unknown) => void;
}

/** How old keys get, in milliseconds: who learns them can read the sessions that they sealed (RFC 5077 5.5). */
const LIFE_MS = 24 * 3_600_000;
const LOOK_MS = 600_000;
const KEY_BYTES = 48;
const DOCUMENT: DocumentPath = ['tickets', 'keys.json'];

interface Known {
  readonly keys: Uint8Array;
  readonly madeAt: Instant;
  /** What the store has of them; null = nothing. */
  readonly document: Buffer | null;
}

/**
 * The keys that seal session tickets. New ones every day; where several machines share a store they share the keys, so
 * that any of them resumes the sessions of all. While the store is away the last ones stay.
 */
export class TicketKeys {
  readonly #options: TicketKeysOptions;
  #known: Known;
  /** The store does not have the keys in force yet. */
  #owed = false;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: TicketKeysOptions) {
    const { random, clock } = options;
    this.#options = options;
    this.#known = { keys: random.bytes(KEY_BYTES), madeAt: clock.now(), document: null };
  }

  get keys(): Uint8Array {
    return this.#known.keys;
  }

  /** Takes the keys that are shared, or shares new ones. Never rejects. */
  start(): Promise<void> {
    return this.#align();
  }

  /** From now on, until the returned function is called. */
  watch(): () => void {
    const { store, clock } = this.#options;
    const look = (): void => void this.#align();
    const stops = [clock.every(LOOK_MS, look), store.fleet?.watchDocuments('tickets', look)];
    return () => {
      for (const stop of stops) stop?.();
    };
  }

  /** New keys at once, which are shared soon: what the old ones sealed must not go on. */
  rotate(): Uint8Array {
    this.#renew();
    void this.#align();
    return this.keys;
  }

  #renew(): void {
    const { clock, random } = this.#options;
    this.#known = { ...this.#known, keys: random.bytes(KEY_BYTES), madeAt: clock.now() };
    this.#owed = true;
  }

  /** One after the other: a look that is under way may not know what this one is for. */
  #align(): Promise<void> {
    this.#busy = this.#busy
      .then(() => (this.#options.store.fleet === null ? this.#renewAlone() : this.#alignWithOthers()))
      .catch(this.#options.onFault);
    return this.#busy;
  }

  #renewAlone(): void {
    if (!this.#isOld(this.#known.madeAt)) return;
    this.#renew();
    this.#options.use(this.keys);
  }

  async #alignWithOthers(): Promise<void> {
    const { store } = this.#options;
    const document = await store.documents.readDocument(DOCUMENT);
    const shared = document === null ? null : parse(document);
    const isNews = document !== null && this.#known.document?.equals(document) !== true;
    if (shared !== null && !this.#isOld(shared.madeAt) && (isNews || !this.#owed)) {
      // Somebody else was quicker.
      this.#owed = false;
      const isChange = !Buffer.from(shared.keys).equals(this.keys);
      this.#known = { ...shared, document };
      if (isChange) this.#options.use(this.keys);
      return;
    }
    if (!this.#owed && (shared !== null || this.#isOld(this.#known.madeAt))) {
      this.#renew();
      this.#options.use(this.keys);
    }
    await this.#share(document);
  }

  async #share(document: Buffer | null): Promise<void> {
    const { fleet } = this.#options.store;
    const { keys, madeAt } = this.#known;
    const content = Buffer.from(JSON.stringify({ keys: Buffer.from(keys).toString('base64'), madeAt }));
    if ((await fleet?.replaceDocument(DOCUMENT, document, content)) !== true) return this.#alignWithOthers();
    this.#owed = false;
    this.#known = { ...this.#known, document: content };
  }

  #isOld(madeAt: Instant): boolean {
    return this.#options.clock.now() - madeAt >= LIFE_MS;
  }
}

function parse(document: Buffer): { readonly keys: Uint8Array; readonly madeAt: Instant } | null {
  try {
    const { keys, madeAt } = Object(JSON.parse(document.toString('utf8')));
    const bytes = typeof keys === 'string' ? Buffer.from(keys, 'base64') : null;
    return bytes?.length === KEY_BYTES && typeof madeAt === 'number' ? { keys: bytes, madeAt } : null;
  } catch {
    return null;
  }
}

/** Whether a fault is that a store is away, which is told already. */
export function isStoreAway(fault: unknown): boolean {
  return codeOf(fault) === 'store-unreachable';
}
