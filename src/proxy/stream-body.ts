import type { Readable } from 'node:stream';
import { Deadline } from './deadline.ts';
import type { Body, RawHeaders, Sink } from './exchange.ts';
import type { Failure, FailureKind } from './failure.ts';

export interface StreamBodyOptions {
  readonly length: number | null;
  /** Longest silence while more is wanted, and what it is called; null where silence is normal. */
  readonly idle: { readonly ms: number; readonly kind: FailureKind } | null;
  /** What it is called when the stream ends before its end. */
  readonly broken: FailureKind;
  /** The trailer fields, once the stream has ended. */
  readonly trailers: () => RawHeaders;
  /** Gets rid of the rest. */
  readonly discard: () => void;
  /** Told when the body fails, whether or not it flows. */
  readonly onFail?: (failure: Failure) => void;
}

/** A body that is read from a stream of Node. */
export class StreamBody implements Body {
  readonly length: number | null;
  readonly #stream: Readable;
  readonly #options: StreamBodyOptions;
  readonly #idle: Deadline | null;
  #sink: Sink | null = null;
  #failure: Failure | null = null;
  #over = false;

  constructor(stream: Readable, options: StreamBodyOptions) {
    this.length = options.length;
    this.#stream = stream;
    this.#options = options;
    const { idle } = options;
    this.#idle =
      idle === null
        ? null
        : new Deadline(idle.ms, () => this.fail({ kind: idle.kind, message: `no data for ${idle.ms} ms` }));
    // A stream that breaks before anybody reads it must not bring the process down, nor be taken for an empty one.
    stream.on('error', (error) => this.fail({ kind: options.broken, message: error.message }));
    stream.on('close', () => this.fail({ kind: options.broken, message: 'the connection was closed' }));
  }

  flow(sink: Sink): void {
    this.#sink = sink;
    if (this.#failure !== null) {
      sink.fail(this.#failure);
      return;
    }
    this.#stream.on('end', this.#onEnd);
    this.#stream.on('data', this.#onData);
    this.#idle?.start();
  }

  resume(): void {
    if (this.#over) return;
    this.#idle?.start();
    this.#stream.resume();
  }

  cancel(): void {
    if (this.#over) return;
    this.#finish();
    this.#options.discard();
  }

  /** Ends the flow from this side: what still comes is discarded. */
  fail(failure: Failure): void {
    if (this.#over) return;
    this.#finish();
    this.#failure = failure;
    this.#options.onFail?.(failure);
    this.#sink?.fail(failure);
    this.#options.discard();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#sink?.write(chunk) === false) {
      this.#stream.pause();
      this.#idle?.stop();
    } else {
      this.#idle?.start();
    }
  };

  readonly #onEnd = (): void => {
    if (this.#over) return;
    this.#finish();
    this.#sink?.end(this.#options.trailers());
  };

  #finish(): void {
    this.#over = true;
    this.#idle?.stop();
    this.#stream.off('data', this.#onData);
  }
}
