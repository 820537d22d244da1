import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientConnection, type EngineOptions, FAREWELL_MS } from '../client-connection.ts';
import { Deadline } from '../deadline.ts';
import { defaultPage } from '../default-page.ts';
import { fieldLines } from '../raw-headers.ts';
import type { NodeHttp1Exchange } from './node-exchange.ts';

/** Requests that may wait behind the one being answered. More are not taken: the connection closes before them. */
const PIPELINED = 100;

/** Requests not taken after which the client is cut off: Node goes on making objects of them. */
const NOT_TAKEN = 1_000;

/**
 * A client's HTTP/1 connection: one exchange at a time, in order. Pipelined requests wait, so that they reach
 * upstreams in the order in which they were sent (RFC 9112 9.3.2) and nobody multiplies work by pipelining.
 */
export class NodeHttp1Connection implements ClientConnection {
  readonly remoteAddress: string | null;
  readonly #socket: Socket;
  readonly #options: EngineOptions;
  readonly #waiting: { readonly exchange: NodeHttp1Exchange; readonly problem: number | null }[] = [];
  #current: NodeHttp1Exchange | null = null;
  /** The status for what cannot be read after the requests before it are answered. */
  #refusal: number | null = null;
  #unreadable = false;
  #finishing = false;
  #overfull = false;
  #notTaken = 0;
  #used = false;

  constructor(socket: Socket, options: EngineOptions) {
    this.#socket = socket;
    this.#options = options;
    this.remoteAddress = socket.remoteAddress ?? null;
    socket.on('close', () => {
      this.#waiting.length = 0;
      options.closed(this);
    });
  }

  get busy(): boolean {
    return this.#current !== null;
  }

  /** Whether no request after the current one will be answered. */
  get closing(): boolean {
    return this.#finishing || (this.#overfull && this.#waiting.length === 0);
  }

  /** Takes a request; `problem` is the status to refuse it with. */
  enqueue(exchange: NodeHttp1Exchange, problem: number | null): void {
    if (this.#overfull || this.#waiting.length >= PIPELINED) {
      this.#overfull = true;
      if (++this.#notTaken >= NOT_TAKEN) this.#socket.destroy();
      return;
    }
    this.#waiting.push({ exchange, problem });
    if (this.#current === null) this.#next();
  }

  /** What came is not HTTP, or came too slowly. Requests before it still get their responses. */
  malformed(status: number): void {
    if (this.#unreadable) return;
    this.#unreadable = true;
    const last = this.#waiting.at(-1)?.exchange ?? this.#current;
    if (last?.receiving === true) {
      last.fail(status === 408 ? 'client-timeout' : 'client-malformed', 'the body could not be read');
    } else if (last === null || last === undefined) {
      this.#refuse(status);
    } else {
      this.#refusal = status;
    }
  }

  finish(): void {
    this.#finishing = true;
    // A connection without a request yet has one on its way: it gets its answer, and then the close.
    if (this.#current === null && this.#used) this.#socket.destroySoon();
  }

  cut(what: 'requests' | 'all'): boolean {
    if (what === 'requests' && this.#current?.longLived === true) return false;
    if (this.#current === null) this.#socket.destroy();
    else this.#current.cut();
    return this.#current !== null;
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      if (this.#refusal !== null) this.#refuse(this.#refusal);
      else if (this.#finishing) this.#socket.destroySoon();
      return;
    }
    const { exchange, problem } = next;
    this.#used = true;
    this.#current = exchange;
    exchange.onEnd = () => {
      this.#current = null;
      if (!this.#socket.destroyed) this.#next();
    };
    if (problem === null) this.#options.handle(exchange);
    else this.#options.refuse(exchange, problem);
  }

  #refuse(status: number): void {
    const socket = this.#socket;
    // After `Connection: close` the end is under way already.
    if (!socket.writable) return;
    if (status === 408 && socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    this.#options.refused(status);
    const { head, body } = defaultPage(status);
    const fields = fieldLines([...head.headers, 'Connection', 'close']);
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields}\r\n`);
    body.flow({
      write: (chunk) => socket.write(chunk),
      end: () => socket.end(),
      fail: () => socket.destroy(),
    });
    socket.resume();
    new Deadline(FAREWELL_MS, () => socket.destroy()).start();
  }
}
