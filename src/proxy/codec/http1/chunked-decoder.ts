import type { FieldTable } from '../field-table.ts';
import { HEAD_ONLY } from '../head-only.ts';
import { CR, LF } from '../octets.ts';
import { ChunkLine } from './chunk-line.ts';
import type { Fault, Verdict } from './faults.ts';
import { HeadCollector } from './head-collector.ts';
import { TRAILER_LIMITS, TrailerParser } from './trailer-parser.ts';

/** Takes a piece of the body where it lies: it must be copied if it is to outlive the call. */
export type DataSink = (bytes: Buffer, from: number, to: number) => void;

/**
 * Reads chunked bodies (RFC 9112 7.1), to decode them or only to find where they end.
 *
 * ```ts
 * const chunked = new ChunkedDecoder();        // one a connection
 * switch (chunked.read(bytes, from, to, sink)) {
 *   case 'more':  // all of it is body; go on with the next piece
 *   case 'done':  // the body ended at chunked.end; chunked.trailers holds the trailer fields
 *   case 'fault': // chunked.fault
 * }
 * chunked.reset();                             // before the next body
 * ```
 *
 * Without a sink the data is passed over: to forward a body as it is, its bytes up to `end` are sent on unchanged.
 */
export class ChunkedDecoder {
  /** After the verdict `fault`. */
  fault: Fault = 'chunk-size-invalid';
  /** After `done`: the offset in the last piece of the first byte after the body. */
  end = 0;
  /** Bytes of data so far, without framing. */
  dataBytes = 0;
  readonly #line = new ChunkLine();
  readonly #trailers: TrailerParser;
  readonly #collector: HeadCollector;
  #state: State = LINE;
  #left = 0;

  /** @param forbidden kinds of trailer fields that are a fault */
  constructor(forbidden: ReadonlySet<number> = HEAD_ONLY) {
    this.#trailers = new TrailerParser(forbidden);
    this.#collector = new HeadCollector(this.#trailers, TRAILER_LIMITS.bytes);
    this.reset();
  }

  /** Begins a body. */
  reset(): void {
    this.#state = LINE;
    this.dataBytes = 0;
    this.#line.reset();
    this.#collector.reset();
  }

  /** After `done`: the trailer fields. They hold as long as nobody writes over the last piece. */
  get trailers(): FieldTable {
    return this.#trailers.fields;
  }

  read(bytes: Buffer, from: number, to: number, sink: DataSink | null = null): Verdict {
    let at = from;
    for (;;) {
      switch (this.#state) {
        case LINE: {
          const verdict = this.#line.read(bytes, at, to);
          if (verdict === 'fault') return this.#fail(this.#line.fault);
          if (verdict === 'more') return 'more';
          at = this.#line.end;
          this.#left = this.#line.size;
          this.#state = this.#left === 0 ? TRAILERS : DATA;
          break;
        }
        case DATA: {
          const length = Math.min(this.#left, to - at);
          if (length > 0) {
            if (sink !== null) sink(bytes, at, at + length);
            this.dataBytes += length;
            this.#left -= length;
            at += length;
          }
          if (this.#left > 0) return 'more';
          this.#state = DATA_CR;
          break;
        }
        case DATA_CR:
          if (at === to) return 'more';
          if (bytes[at] !== CR) return this.#fail('chunk-end-missing');
          at += 1;
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (at === to) return 'more';
          if (bytes[at] !== LF) return this.#fail('chunk-end-missing');
          at += 1;
          this.#line.start();
          this.#state = LINE;
          break;
        case TRAILERS: {
          const verdict = this.#collector.push(bytes, at, to);
          if (verdict === 'fault') return this.#fail(this.#trailers.fault);
          if (verdict === 'more') return 'more';
          this.end = this.#collector.end;
          return 'done';
        }
        default:
          return this.#state satisfies never;
      }
    }
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

type State = typeof LINE | typeof DATA | typeof DATA_CR | typeof DATA_LF | typeof TRAILERS;
const LINE = 0;
const DATA = 1;
const DATA_CR = 2;
const DATA_LF = 3;
const TRAILERS = 4;
