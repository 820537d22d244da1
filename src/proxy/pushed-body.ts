import type { Body, RawHeaders, Sink } from './exchange.ts';
import type { Failure } from './failure.ts';

/** Where the bytes of a {@link PushedBody} come from. */
export interface BodySource {
  /** Bytes are wanted, at first or again. */
  wanted(): void;
  /** The rest is of no interest. Called once, unless the body has ended or failed. */
  unwanted(): void;
}

/** A body whose bytes are pushed into it by whoever takes a message apart. */
export class PushedBody implements Body {
  readonly length: number | null;
  /** Whether bytes may be pushed: it flows, and its sink is not full. */
  ready = false;
  /** It has ended, failed or been cancelled. */
  over = false;
  readonly #source: BodySource;
  /** The pushed bytes lie in a buffer that is used again. */
  readonly #transient: boolean;
  #sink: Sink | null = null;
  #failure: Failure | null = null;

  constructor(source: BodySource, length: number | null, transient: boolean) {
    this.#source = source;
    this.length = length;
    this.#transient = transient;
  }

  /** Only while it is not over. What is pushed while it is not `ready` makes its sink fuller than it likes. */
  push(chunk: Buffer): void {
    const sink = this.#sink;
    if (this.over || sink === null) return;
    const more = sink.write(this.#transient && sink.consumes !== true ? Buffer.from(chunk) : chunk);
    this.ready = more && !this.over;
  }

  /** That was all. */
  finish(trailers: RawHeaders): void {
    if (this.over) return;
    this.#close();
    this.#sink?.end(trailers);
  }

  /** The rest does not come. */
  fail(failure: Failure): void {
    if (this.over) return;
    this.#close();
    this.#failure = failure;
    this.#sink?.fail(failure);
  }

  flow(sink: Sink): void {
    this.#sink = sink;
    if (this.#failure !== null) {
      sink.fail(this.#failure);
      return;
    }
    this.resume();
  }

  resume(): void {
    if (this.over || this.ready) return;
    this.ready = true;
    this.#source.wanted();
  }

  cancel(): void {
    if (this.over) return;
    this.#close();
    this.#source.unwanted();
  }

  #close(): void {
    this.over = true;
    this.ready = false;
  }
}
