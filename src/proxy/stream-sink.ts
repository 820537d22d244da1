import type { Writable } from 'node:stream';
import { Deadline } from './deadline.ts';
import type { Body, RawHeaders, Sink } from './exchange.ts';
import type { Failure } from './failure.ts';

export interface StreamSinkOptions {
  /** Longest time that the other side may take nothing, in milliseconds. */
  readonly stallMs: number;
  readonly end: (trailers: RawHeaders) => void;
  readonly fail: (failure: Failure) => void;
  readonly stalled: () => void;
}

/** Lets `source` flow into a stream of Node, and cancels it when the stream closes early. */
export function flowInto(stream: Writable, source: Body, options: StreamSinkOptions): void {
  if (stream.destroyed) source.cancel();
  else source.flow(new StreamSink(stream, source, options));
}

class StreamSink implements Sink {
  readonly #stream: Writable;
  readonly #options: StreamSinkOptions;
  readonly #stall: Deadline;
  #over = false;

  constructor(stream: Writable, source: Body, options: StreamSinkOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#stall = new Deadline(options.stallMs, options.stalled);
    stream.on('drain', () => {
      this.#stall.stop();
      source.resume();
    });
    stream.on('close', () => {
      this.#stall.stop();
      if (!this.#over) source.cancel();
    });
  }

  write(chunk: Buffer): boolean {
    if (this.#stream.destroyed || this.#stream.writableEnded) return false;
    const more = this.#stream.write(chunk);
    if (!more) this.#stall.start();
    return more;
  }

  end(trailers: RawHeaders): void {
    this.#over = true;
    this.#options.end(trailers);
  }

  fail(failure: Failure): void {
    this.#over = true;
    this.#stall.stop();
    this.#options.fail(failure);
  }
}
