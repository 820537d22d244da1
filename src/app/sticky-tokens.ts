import { createHmac } from 'node:crypto';
import type { DocumentPath } from '../certs/ports.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Random } from '../platform/random.ts';
import { describeUpstream } from '../proxy/upstream/upstreams.ts';
import type { Upstream } from '../routing/route.ts';
import type { Store } from '../store/store.ts';
import { isStoreAway } from './ticket-keys.ts';

const PATH: DocumentPath = ['routes', 'sticky-secret'];
const SECRET_BYTES = 32;
/** 72 bits: none of them is met by chance. */
const TOKEN_BYTES = 9;

export interface StickyTokensOptions {
  readonly store: Pick<Store, 'documents' | 'fleet'>;
  readonly random: Random;
  readonly emit: Emit;
  /** Another machine had a secret before: what upstreams are called is different from now on. */
  readonly onChange: () => void;
}

/**
 * What cookies of `balance sticky` call the upstreams: their addresses under a secret that the store keeps, so that
 * clients stay where they are over a restart, and with other machines that share the store. These agree on the secret that
 * was there first.
 */
export class StickyTokens {
  readonly #options: StickyTokensOptions;
  #secret: Buffer | null = null;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: StickyTokensOptions) {
    this.#options = options;
  }

  /**
   * Takes the secret of former times or of others. Where the store cannot be read there will be a new one, until it can.
   * Never rejects.
   */
  recall(): Promise<void> {
    this.#busy = this.#busy.then(() => this.#look()).catch((error: unknown) => this.#storeFailed(error));
    return this.#busy;
  }

  /** Follows what other machines agreed upon, until the returned function is called. */
  watch(): () => void {
    return this.#options.store.fleet?.watchDocuments('routes', () => void this.recall()) ?? (() => {});
  }

  readonly of = (route: string, upstream: Upstream): string => {
    this.#secret ??= this.#create();
    const mac = createHmac('sha256', this.#secret)
      .update(`${route} ${describeUpstream(upstream)}`)
      .digest();
    return mac.subarray(0, TOKEN_BYTES).toString('base64url');
  };

  async #look(): Promise<void> {
    const { store, random, onChange } = this.#options;
    const stored = await store.documents.readDocument(PATH);
    if (stored?.length === SECRET_BYTES) {
      const isChange = this.#secret !== null && !this.#secret.equals(stored);
      this.#secret = stored;
      if (isChange) onChange();
    } else if (store.fleet !== null) {
      const secret = this.#secret ?? random.bytes(SECRET_BYTES);
      // When somebody else was quicker it is his.
      if (!(await store.fleet.replaceDocument(PATH, stored, secret))) return this.#look();
      this.#secret = secret;
    }
  }

  /** Nobody waits for the store. */
  #create(): Buffer {
    const { store, random } = this.#options;
    const secret = random.bytes(SECRET_BYTES);
    // Machines that share a store agree when it is there again.
    if (store.fleet !== null) return secret;
    store.documents.writeDocument(PATH, secret).catch((error: unknown) => this.#storeFailed(error));
    return secret;
  }

  #storeFailed(error: unknown): void {
    // That a database is away is told already.
    if (isStoreAway(error)) return;
    const hint = error instanceof RigilError ? error.hint : null;
    this.#options.emit({ event: 'store.problem', code: codeOf(error), message: messageOf(error), hint });
  }
}
