import { RigilError } from '../errors.ts';
import { unlessAborted } from '../platform/abort.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { retryAfter } from '../platform/retry-after.ts';
import { type Directory, readDirectory } from './directory.ts';
import { NoncePool } from './nonce-pool.ts';
import { type Patience, retryRead } from './patience.ts';
import { AcmeProblem, readProblem } from './problem.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { AcmeReply, AcmeRequest, Transport } from './transport.ts';

/** How long a directory is believed without asking again. */
const DIRECTORY_MS = 3_600_000;

/**
 * What all work at one CA shares: connections, nonces, the directory and the pace. Requests of many orders may run
 * through it at once.
 */
export class Connection {
  readonly directoryUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly #transport: Transport;
  readonly #pace: RateLimiter;
  readonly #nonces = new NoncePool();
  #directory: { readonly value: Promise<Directory>; readonly until: Instant } | null = null;
  readonly #closed = new AbortController();
  #requests = 0;

  constructor(options: {
    readonly directoryUrl: string;
    readonly transport: Transport;
    readonly pace: RateLimiter;
    readonly clock: Clock;
    readonly random: Random;
  }) {
    this.directoryUrl = options.directoryUrl;
    this.#transport = options.transport;
    this.#pace = options.pace;
    this.clock = options.clock;
    this.random = options.random;
  }

  /** Requests sent so far. */
  get requests(): number {
    return this.#requests;
  }

  /** The CA's directory, read once for all who ask and again after an hour. */
  directory(signal: AbortSignal): Promise<Directory> {
    const now = this.clock.now();
    if (this.#directory === null || this.#directory.until <= now) {
      // Several orders wait for the same answer, so the signal of none of them may end it; every request has its
      // own time limit.
      const value = this.#readDirectory(this.#closed.signal);
      const entry = { value, until: now + DIRECTORY_MS };
      this.#directory = entry;
      value.catch(() => {
        if (this.#directory === entry) this.#directory = null;
      });
    }
    return unlessAborted(this.#directory.value, signal);
  }

  /** Ends what nobody waits for any more, and would keep the program from ending. */
  close(): void {
    this.#closed.abort(new RigilError('aborted', 'the connection to the CA was closed'));
    this.#transport.close();
  }

  /** Sends one request in its turn. The nonce of the answer is kept here and never shown. */
  async send(request: AcmeRequest, signal: AbortSignal): Promise<AcmeReply> {
    await this.#pace.turn(signal);
    this.#requests++;
    const { headers, ...reply } = await this.#transport.send(request, signal);
    const { 'replay-nonce': nonce, ...others } = headers;
    this.#nonces.put(typeof nonce === 'string' ? nonce : undefined, this.clock.now());
    return { ...reply, headers: others };
  }

  /** A nonce for one signed request (RFC 8555 7.2). */
  async nonce(signal: AbortSignal): Promise<string> {
    const kept = this.#nonces.take(this.clock.now());
    if (kept !== null) return kept;
    const { newNonce } = await this.directory(signal);
    return retryRead(this.patience(signal), async () => {
      this.refuse(await this.send({ method: 'HEAD', url: newNonce }, signal));
      const fresh = this.#nonces.take(this.clock.now());
      if (fresh !== null) return fresh;
      throw new RigilError('issuer-answer-invalid', `${new URL(newNonce).host} gave no nonce`);
    });
  }

  /** Reads something that needs no signature. */
  get(url: string, signal: AbortSignal): Promise<AcmeReply> {
    return retryRead(this.patience(signal), async () =>
      this.refuse(await this.send({ method: 'GET', url }, signal)),
    );
  }

  /** The reply, unless the CA refused. @throws AcmeProblem for every status from 400 */
  refuse<Reply extends Pick<AcmeReply, 'status' | 'headers' | 'data'>>(reply: Reply): Reply {
    if (reply.status < 400) return reply;
    const retryAt = retryAfter(reply.headers['retry-after'], this.clock.now());
    throw new AcmeProblem(readProblem(reply.data), reply.status, retryAt);
  }

  patience(signal: AbortSignal): Patience {
    return { clock: this.clock, random: this.random, signal };
  }

  async #readDirectory(signal: AbortSignal): Promise<Directory> {
    const reply = await this.get(this.directoryUrl, signal);
    return readDirectory(reply.data, this.directoryUrl);
  }
}
