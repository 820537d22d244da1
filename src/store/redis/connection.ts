import { hash } from 'node:crypto';
import { codeOf, RigilError } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import { type Client, makeClient } from './client.ts';
import { answerWord, isAnswer, isUntrusted, redisFailure } from './failure.ts';
import { type RedisServer, serverText } from './server.ts';

/** How long the first use waits for a connection, in milliseconds. Later ones do not: what is away is away. */
const FIRST_CONNECT_MS = 4_000;

/** So many commands without an answer in a row make the connection suspect: it is made anew. */
const SUSPECT_AFTER = 2;

/** How long to wait where Redis refuses to tell what is published, in milliseconds. */
const LISTEN_AGAIN_MS = 5_000;

export interface ConnectionOptions {
  readonly server: RedisServer;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** A script of Redis: it runs as a whole, and nothing comes in between. */
export interface Script {
  readonly text: string;
  readonly digest: string;
}

/** A script with its name for Redis. */
export function script(text: string): Script {
  return { text, digest: hash('sha1', text) };
}

/** The way to a Redis: one connection that is made on first use, and what is known of how it is. */
export class RedisConnection {
  /** The server, without secrets. */
  readonly place: string;
  readonly #options: ConnectionOptions;
  readonly #onUp = new Set<(wasLost: boolean) => void>();
  #client: Promise<Client> | null = null;
  #firstChance: Promise<void> | null = null;
  #up = false;
  #since: Instant;
  #error: RigilError | null = null;
  #told = false;
  /** The database that the URL names cannot be had: the library would go on with the first one. */
  #refusal: RigilError | null = null;
  #deaf = false;
  #unanswered = 0;
  /** It is being closed to be made anew. */
  #ending = false;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#since = options.clock.now();
    this.place = serverText(options.server);
  }

  /** Whether it answered last, since when it is so, and what went wrong. */
  get health(): { readonly up: boolean; readonly since: Instant; readonly error: RigilError | null } {
    return { up: this.#up, since: this.#since, error: this.#error };
  }

  /** Calls `callback` whenever Redis answers again, also the first time: then nothing was lost unless it failed before. */
  onUp(callback: (wasLost: boolean) => void): () => void {
    this.#onUp.add(callback);
    return () => this.#onUp.delete(callback);
  }

  /**
   * Does `work` with the client. Fails at once while there is no connection, but the very first use waits for one.
   *
   * @throws RigilError `store-unreachable` when it does not answer, `store-unreadable`, `store-unwritable`
   */
  async use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    try {
      const client = await this.#ready();
      const result = await work(client);
      this.#succeeded();
      return result;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Runs a script; see {@link use}. */
  run(
    { text, digest }: Script,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.use(async (client) => {
      try {
        return await client.evalsha(digest, keys.length, ...keys, ...args);
      } catch (error) {
        if (!isAnswer(error) || answerWord(error) !== 'NOSCRIPT') throw error;
        return client.eval(text, keys.length, ...keys, ...args);
      }
    });
  }

  /** Like {@link run}, for a script that returns a list of binary values or nothing. */
  runForValues({ text, digest }: Script, keys: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.use(async (client) => {
      const [number, ...names] = [keys.length, ...keys];
      const answer = await client.callBuffer('EVALSHA', digest, number, ...names).catch((error: unknown) => {
        if (!isAnswer(error) || answerWord(error) !== 'NOSCRIPT') throw error;
        return client.callBuffer('EVAL', text, number, ...names);
      });
      return Array.isArray(answer) ? answer.map((each) => (Buffer.isBuffer(each) ? each : null)) : [];
    });
  }

  /** A connection of its own that hears what is published, until the returned function is called. */
  listen(channel: string, onMessage: (message: string) => void, onConnect: () => void): () => void {
    let stopped = false;
    let stop = (): void => {};
    const { server, clock } = this.#options;
    void makeClient(server, clock).then((client) => {
      if (stopped) return;
      stop = () => client.disconnect();
      client.on('error', () => {});
      client.on('message', (_, message: string) => onMessage(message));
      const onDeaf = async (error: unknown): Promise<void> => {
        this.#tellDeaf(error);
        // Whoever refuses now will refuse at once again.
        if (isAnswer(error)) await clock.sleep(LISTEN_AGAIN_MS);
        if (!stopped) client.disconnect(true);
      };
      // After every connect: what was published in between was missed.
      client.on('ready', () => void client.subscribe(channel).then(onConnect, onDeaf));
      client.connect().catch(() => {});
    });
    return () => {
      stopped = true;
      stop();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => null);
    client?.disconnect();
  }

  async #ready(): Promise<Client> {
    if (this.#closed) throw new RigilError('store-unreachable', `${this.place} was left`);
    this.#client ??= this.#open();
    const client = await this.#client;
    this.#firstChance ??= this.#waitForFirst(client);
    await this.#firstChance;
    if (this.#refusal !== null) throw this.#refusal;
    if (client.status === 'ready') return client;
    throw this.#error ?? new RigilError('store-unreachable', `${this.place} does not answer`);
  }

  async #open(): Promise<Client> {
    const client = await makeClient(this.#options.server, this.#options.clock);
    client.on('error', (error: unknown) => {
      this.#error = redisFailure(this.place, error);
      if (isAnswer(error) && error.command?.name === 'select') this.#refusal = this.#error;
    });
    client.on('connect', () => {
      this.#refusal = null;
    });
    client.on('ready', () => {
      this.#unanswered = 0;
      // A cluster is ready when any node is: only an answer says that the one with this store is there.
      if (this.#refusal === null && this.#options.server.mode !== 'cluster') this.#succeeded();
    });
    client.on('close', () => {
      this.#ending = false;
      if (this.#up) this.#failed(new RigilError('store-unreachable', `${this.place} closed the connection`));
    });
    client.connect().catch(() => {});
    return client;
  }

  /** Ends when the connection is there, refused for good, or after a while. */
  async #waitForFirst(client: Client): Promise<void> {
    const done = new AbortController();
    const end = (): void => done.abort();
    const onError = (error: unknown): void => {
      const { code } = redisFailure(this.place, error);
      if (code !== 'store-unreachable' || isRefused(error) || isUntrusted(error)) end();
    };
    client.on('ready', end);
    client.on('error', onError);
    if (client.status !== 'ready') await this.#options.clock.sleep(FIRST_CONNECT_MS, done.signal);
    client.off('ready', end);
    client.off('error', onError);
  }

  #tellDeaf(error: unknown): void {
    const { code, message } = redisFailure(this.place, error);
    if (this.#deaf || code === 'store-unreachable') return;
    this.#deaf = true;
    this.#options.emit({
      event: 'store.warning',
      message: `what other machines change is seen after up to a minute: ${message}`,
      hint: 'let the user subscribe to the channel, as the rules for ACL SETUSER in docs/fleet.md do',
    });
  }

  #succeeded(): void {
    this.#unanswered = 0;
    if (this.#up) return;
    const { clock, emit } = this.#options;
    const now = clock.now();
    const wasLost = this.#told;
    if (wasLost) emit({ event: 'store.connected', place: this.place, awayMs: now - this.#since });
    this.#up = true;
    this.#told = false;
    this.#since = now;
    this.#error = null;
    for (const callback of this.#onUp) callback(wasLost);
  }

  #failed(cause: unknown): RigilError {
    const failure = redisFailure(this.place, cause);
    if (failure.code !== 'store-unreachable' || this.#closed) return failure;
    const { clock, emit } = this.#options;
    this.#error = failure;
    if (this.#up) {
      this.#up = false;
      this.#since = clock.now();
    }
    if (!this.#told) {
      this.#told = true;
      const { code, message, hint } = failure;
      emit({ event: 'store.lost', place: this.place, code, message, hint });
    }
    this.#suspect();
    return failure;
  }

  /** A connection through which nothing comes back, though nobody closed it, would be kept for a quarter of an hour. */
  #suspect(): void {
    this.#unanswered += 1;
    if (this.#unanswered < SUSPECT_AFTER || this.#ending) return;
    this.#unanswered = 0;
    void this.#client?.then((client) => {
      if (client.status !== 'ready' || this.#ending) return;
      this.#ending = true;
      client.disconnect(true);
    });
  }
}

/** Whether nobody listens there: waiting a little longer helps nobody. */
function isRefused(error: unknown): boolean {
  return (
    codeOf(error) === 'internal' && error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
  );
}
