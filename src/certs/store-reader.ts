import { afterTrouble } from './backoff.ts';
import type { CertificateFacts } from './certificate.ts';
import type { Inventory } from './inventory.ts';
import type { Ports, StoreContents, StoreListing } from './ports.ts';
import type { Trouble } from './state.ts';
import { reportProblem } from './store-access.ts';

export interface StoreReaderOptions {
  readonly ports: Pick<Ports, 'store' | 'clock' | 'random' | 'emit'>;
  readonly inventory: Inventory;
  /** Whether certificates are read with their keys, to be served. */
  readonly readsKeys: boolean;
  /** Called after the inventory has learnt something. */
  readonly onNews: () => void;
  readonly signal: AbortSignal;
}

/** Tells the inventory what the store has: at the start, and whenever another process has changed it. */
export class StoreReader {
  readonly #options: StoreReaderOptions;
  #loaded = false;
  #loading = false;
  #reading: Promise<void> | null = null;
  #again = false;
  #nap = new AbortController();
  /** What is known to be damaged, so that it is reported once and not with every change. */
  #reported: ReadonlySet<string> = new Set();

  constructor(options: StoreReaderOptions) {
    this.#options = options;
  }

  /** Whether the store has ever been read. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Resolves when nothing is being read. */
  get idle(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  /**
   * Reads all of it: facts, journal, and keys if they are wanted.
   *
   * @throws RigilError that of the store; a single certificate that cannot be read is reported and left out
   */
  async load(): Promise<void> {
    this.#loading = true;
    try {
      await this.#load();
    } finally {
      this.#loading = false;
    }
    // What was stored while it read.
    if (this.#again) this.refresh();
  }

  async #load(): Promise<void> {
    const { ports, inventory, readsKeys, signal } = this.#options;
    const { store } = ports;
    const [contents, journal] = await Promise.all([
      readsKeys ? store.readAll(signal) : withoutKeys(store.list()),
      store.readJournal(),
    ]);
    this.#report(contents);
    const now = ports.clock.now();
    const isInForce = ({ notAfter }: CertificateFacts): boolean => notAfter > now;
    for (const { facts, error } of contents.unusable) {
      if (isInForce(facts))
        reportProblem(ports, `the stored certificate for ${facts.id} cannot be used`, error);
    }
    inventory.remember(
      journal,
      contents.whole.filter(({ facts }) => isInForce(facts)),
    );
    inventory.learn(contents.certificates, now);
    this.#loaded = true;
  }

  /** Reads again what the store has, and goes on trying until it succeeds. Many calls at once are one. */
  refresh(): void {
    this.#again = true;
    if (this.#loading) return;
    // Whoever says that there is news may know that the store is back.
    this.#nap.abort();
    this.#reading ??= this.#readUntilDone().finally(() => {
      this.#reading = null;
    });
  }

  /** Ends the pause after a failure. */
  hurry(): void {
    this.#nap.abort(null);
  }

  async #readUntilDone(): Promise<void> {
    const { ports, inventory, onNews, signal } = this.#options;
    const { store, clock, random } = ports;
    let trouble: Trouble | null = null;
    while (this.#again && !signal.aborted) {
      this.#again = false;
      try {
        if (!this.#loaded) {
          await this.#load();
        } else {
          const listing = await store.list();
          this.#report(listing);
          inventory.learn(listing.certificates, clock.now());
        }
        trouble = null;
        onNews();
      } catch (error) {
        if (trouble === null) reportProblem(ports, 'the store cannot be read', error);
        trouble = afterTrouble(trouble, clock.now(), random.fraction());
        this.#again = true;
        this.#nap = new AbortController();
        await clock.sleep(trouble.retryAt - clock.now(), AbortSignal.any([signal, this.#nap.signal]));
      }
    }
  }

  #report({ damaged }: StoreListing): void {
    for (const { path, problem } of damaged) {
      if (this.#reported.has(path)) continue;
      const message = `${path}: ${problem}`;
      this.#options.ports.emit({ event: 'store.problem', code: 'store-damaged', message, hint: null });
    }
    this.#reported = new Set(damaged.map(({ path }) => path));
  }
}

async function withoutKeys(listing: Promise<StoreListing>): Promise<StoreContents> {
  return { ...(await listing), whole: [], unusable: [] };
}
