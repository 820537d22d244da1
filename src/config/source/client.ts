import { connect, type Socket } from 'node:net';
import { messageOf, RigilError, systemCodeOf } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { FrameDecoder } from './frames.ts';

/** Longest time for a connection, and then for the first configuration to arrive whole. */
const PATIENCE_MS = 10_000;
/** Longest silence in the middle of a configuration. Between two of them a server may be silent for ever. */
const STALL_MS = 30_000;
/** Silence after which the system asks whether the server is still there (TCP keep-alive). */
const KEEP_ALIVE_MS = 30_000;
const SHORTEST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Share of a pause that is left to chance, so that many proxies do not come back as one. */
const JITTER = 0.5;

export interface ConfigSourceOptions {
  readonly server: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly random: Random;
  /** Takes a configuration. The next one is read only when it is done. Must not reject. */
  readonly onPayload: (payload: Buffer) => Promise<unknown>;
  /** A connection has brought its first configuration. */
  readonly onConnected: () => void;
  /** A connection has ended, or could not be made. */
  readonly onLost: (error: RigilError, retryInMs: number) => void;
}

/**
 * Follows a configuration server (see {@link encodeFrame}): connects, takes what it sends, and comes back for ever, after pauses of
 * 1 s that double up to 60 s and begin anew with a connection that brought a configuration.
 */
export class ConfigSource {
  readonly #options: ConfigSourceOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: ConfigSourceOptions) {
    this.#options = options;
    this.#done = this.#follow();
  }

  /** Ends the connection. Resolves when nothing more will be handed over. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #follow(): Promise<void> {
    const { clock, random, onLost } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const session = new Session(this.#options, signal);
      const error = await session.run();
      if (signal.aborted) return;
      failures = session.wasUseful ? 1 : failures + 1;
      const retryInMs = pauseAfter(failures, random.fraction());
      onLost(error, retryInMs);
      await clock.sleep(retryInMs, signal);
    }
  }
}

/** Pause after so many failures in a row, in milliseconds. */
export function pauseAfter(failures: number, chance: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (1 - JITTER * chance));
}

/** One connection, from its beginning to its end. */
class Session {
  readonly #options: ConfigSourceOptions;
  readonly #signal: AbortSignal;
  readonly #socket: Socket;
  readonly #over = new AbortController();
  #hasPayload = false;
  #failure: RigilError | null = null;

  constructor(options: ConfigSourceOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#socket = connect({ ...options.server, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
  }

  /** It brought a configuration. */
  get wasUseful(): boolean {
    return this.#hasPayload;
  }

  /** Resolves with what ended it. */
  async run(): Promise<RigilError> {
    const { server, clock } = this.#options;
    const signal = AbortSignal.any([this.#signal, this.#over.signal]);
    const socket = this.#socket;
    const stop = () => void socket.destroy();
    this.#signal.addEventListener('abort', stop);
    void clock.sleep(PATIENCE_MS, signal).then(() => {
      if (this.#hasPayload || signal.aborted) return;
      this.#fail(
        socket.connecting
          ? unreachable(`${server.host}:${server.port} does not answer`)
          : unreachable(`no configuration came within ${PATIENCE_MS / 1000} s`),
      );
    });
    socket.on('timeout', () =>
      this.#fail(unreachable(`nothing came for ${STALL_MS / 1000} s in the middle of a configuration`)),
    );
    try {
      await this.#read();
      return this.#failure ?? unreachable('the server has closed the connection');
    } catch (error) {
      return this.#failure ?? classify(error, server);
    } finally {
      this.#over.abort();
      this.#signal.removeEventListener('abort', stop);
      socket.destroy();
    }
  }

  async #read(): Promise<void> {
    const decoder = new FrameDecoder();
    for await (const piece of this.#socket as AsyncIterable<Buffer>) {
      for (const payload of decoder.push(piece)) {
        // What is being put in force may take its time: that is no silence of the server.
        this.#socket.setTimeout(0);
        if (this.#signal.aborted) return;
        if (!this.#hasPayload) {
          this.#hasPayload = true;
          this.#options.onConnected();
        }
        await this.#options.onPayload(payload);
      }
      this.#socket.setTimeout(decoder.isInsideFrame ? STALL_MS : 0);
    }
  }

  #fail(error: RigilError): void {
    this.#failure ??= error;
    this.#socket.destroy();
  }
}

function unreachable(message: string, hint?: string, cause?: unknown): RigilError {
  return new RigilError('config-source-unreachable', message, { hint, cause });
}

function classify(error: unknown, { host, port }: ConfigSourceOptions['server']): RigilError {
  if (error instanceof RigilError) return error;
  switch (systemCodeOf(error)) {
    case 'ECONNREFUSED':
      return unreachable(`nothing listens on ${host}:${port}`, 'is the configuration server up?', error);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(`the name ${host} is not known`, 'is config-source written right?', error);
    default:
      return unreachable(messageOf(error), undefined, error);
  }
}
