import { createHmac } from 'node:crypto';
import type { DocumentPath, DocumentStore } from '../certs/ports.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Random } from '../platform/random.ts';
import { describeUpstream } from '../proxy/upstream/upstreams.ts';
import type { Upstream } from '../routing/route.ts';

const PATH: DocumentPath = ['routes', 'sticky-secret'];
const SECRET_BYTES = 32;
/** 72 bits: none of them is met by chance. */
const TOKEN_BYTES = 9;

export interface StickyTokensOptions {
  readonly documents: DocumentStore;
  readonly random: Random;
  readonly emit: Emit;
}

/**
 * What cookies of `balance sticky` call the upstreams: their addresses under a secret that the store keeps, so that
 * clients stay where they are over a restart, and with other machines that share the store.
 */
export class StickyTokens {
  readonly #options: StickyTokensOptions;
  #secret: Buffer | null = null;

  constructor(options: StickyTokensOptions) {
    this.#options = options;
  }

  /** Looks for the secret of former times. Where the store cannot be read there will be a new one. */
  async recall(): Promise<void> {
    try {
      const secret = await this.#options.documents.readDocument(PATH);
      if (secret?.length === SECRET_BYTES) this.#secret = secret;
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  readonly of = (route: string, upstream: Upstream): string => {
    this.#secret ??= this.#create();
    const mac = createHmac('sha256', this.#secret)
      .update(`${route} ${describeUpstream(upstream)}`)
      .digest();
    return mac.subarray(0, TOKEN_BYTES).toString('base64url');
  };

  /** Nobody waits for the store. */
  #create(): Buffer {
    const { documents, random } = this.#options;
    const secret = random.bytes(SECRET_BYTES);
    documents.writeDocument(PATH, secret).catch((error: unknown) => this.#storeFailed(error));
    return secret;
  }

  #storeFailed(error: unknown): void {
    const hint = error instanceof RigilError ? error.hint : null;
    this.#options.emit({ event: 'store.problem', code: codeOf(error), message: messageOf(error), hint });
  }
}
