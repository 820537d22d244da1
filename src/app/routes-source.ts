import type { DocumentPath, DocumentStore } from '../certs/ports.ts';
import type { GlobalConfig } from '../config/config.ts';
import { ConfigSource } from '../config/source/client.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { type RoutesText, sourceUrl } from './config-file.ts';

export interface RoutesSourceOptions {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  /** Puts routes in force, if they can be used. Never rejects. */
  readonly take: (routes: RoutesText) => Promise<unknown>;
}

type Server = GlobalConfig['configSource'];

/** The server that sends routes: one connection to it, and in the store what it sent last that could be used. */
export class RoutesSource {
  readonly #options: RoutesSourceOptions;
  #url: string | null = null;
  #client: ConfigSource | null = null;
  #isConnected = false;
  #kept: Promise<void> = Promise.resolve();
  #lastError: { readonly at: string; readonly message: string } | null = null;

  constructor(options: RoutesSourceOptions) {
    this.#options = options;
  }

  /** As `status --json` prints it; null without a server. */
  get state() {
    if (this.#url === null) return null;
    return { url: this.#url, connected: this.#isConnected, lastError: this.#lastError };
  }

  /** What this server has sent last, for a time when it is away; null when there is nothing, or it cannot be read. */
  async recall(server: Server): Promise<RoutesText | null> {
    try {
      return await storedRoutes(this.#options.documents, server);
    } catch (error) {
      this.#storeFailed(error);
      return null;
    }
  }

  /** Keeps what is in force for {@link recall}. The last one counts, and nobody waits for the store. */
  keep({ source, text }: RoutesText): void {
    const { documents } = this.#options;
    this.#kept = this.#kept
      .then(() => documents.writeDocument(pathOf(source), text))
      .catch((error: unknown) => this.#storeFailed(error));
  }

  /** Follows this server from now on; one that it follows already is not asked anew. */
  follow(server: Server): void {
    const url = server === null ? null : sourceUrl(server);
    if (url === this.#url) return;
    // Not awaited: the former one may be waiting for the very change that turns away from it.
    void this.#client?.stop();
    this.#url = url;
    this.#isConnected = false;
    this.#lastError = null;
    this.#client = server === null || url === null ? null : this.#connect(server, url);
  }

  /** Ends the connection. */
  stop(): void {
    this.follow(null);
  }

  #connect(server: NonNullable<Server>, url: string): ConfigSource {
    const { clock, random, emit } = this.#options;
    const isCurrent = () => url === this.#url;
    return new ConfigSource({
      server,
      clock,
      random,
      onPayload: (text) => this.#options.take({ source: url, text }),
      onConnected: () => {
        if (!isCurrent()) return;
        this.#isConnected = true;
        this.#lastError = null;
        emit({ event: 'config.source.connected', address: url });
      },
      onLost: ({ code, message, hint }, retryInMs) => {
        if (!isCurrent()) return;
        this.#isConnected = false;
        this.#lastError = { at: new Date(clock.now()).toISOString(), message };
        emit({ event: 'config.source.lost', address: url, code, message, hint, retryInMs });
      },
    });
  }

  #storeFailed(error: unknown): void {
    const hint = error instanceof RigilError ? error.hint : null;
    this.#options.emit({ event: 'store.problem', code: codeOf(error), message: messageOf(error), hint });
  }
}

/**
 * What `server` has sent last, for a time when it is away; null when there is no server, or nothing yet.
 *
 * @throws RigilError that of the store
 */
export async function storedRoutes(documents: DocumentStore, server: Server): Promise<RoutesText | null> {
  if (server === null) return null;
  const source = sourceUrl(server);
  const text = await documents.readDocument(pathOf(source));
  return text === null ? null : { source, text };
}

function pathOf(source: string): DocumentPath {
  return ['routes', source];
}
