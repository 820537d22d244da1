import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { emptyBody, watched } from '../body.ts';
import { FAREWELL_MS } from '../client-connection.ts';
import { Deadline } from '../deadline.ts';
import type { Body, Exchange, RawHeaders, RequestHead, ResponseHead } from '../exchange.ts';
import type { ClientFailureKind } from '../failure.ts';
import { passableTrailers } from '../hop-by-hop.ts';
import { isEventStream } from '../long-lived.ts';
import type { Limits } from '../protocol.ts';
import { fieldLines, fieldPairs, filterFields } from '../raw-headers.ts';
import { StreamBody } from '../stream-body.ts';
import { flowInto } from '../stream-sink.ts';
import { FrameTracker, GOING_AWAY, isWebSocket } from '../websocket.ts';
import { bodyLengthOf } from './request-rules.ts';

/** How long a client may go on sending a request that has been answered already. */
const LINGER_MS = 10_000;

export interface Http1ExchangeOptions {
  readonly scheme: 'http' | 'https';
  readonly limits: Limits;
  readonly remoteAddress: string | null;
  /** The protocols that may be switched to, with the bytes that came after the head; null when none may. */
  readonly upgrade: { readonly protocols: string; readonly early: Buffer } | null;
  /** Whether the connection ends after this response. */
  readonly closing: () => boolean;
}

/** One request of an HTTP/1 connection of Node's server. */
export class NodeHttp1Exchange implements Exchange {
  readonly request: RequestHead;
  readonly body: Body;
  onClose: (complete: boolean) => void = () => {};
  /** For the connection: the next exchange may begin. */
  onEnd: () => void = () => {};
  /** An upgraded connection or an event stream: lasts as long as both sides like. */
  longLived = false;
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #options: Http1ExchangeOptions;
  #upgraded = false;
  #frames: FrameTracker | null = null;

  constructor(incoming: IncomingMessage, response: ServerResponse, options: Http1ExchangeOptions) {
    this.#incoming = incoming;
    this.#response = response;
    this.#socket = incoming.socket;
    this.#options = options;
    this.request = {
      method: incoming.method ?? '',
      scheme: options.scheme,
      protocol: incoming.httpVersion === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1',
      target: incoming.url ?? '',
      authority: null,
      headers: incoming.rawHeaders,
      upgrade: options.upgrade?.protocols ?? null,
      remoteAddress: options.remoteAddress,
    };
    this.body = requestBody(incoming, options.limits);
    response.sendDate = false;
    response.on('error', () => {});
    response.on('finish', () => this.#linger());
    response.on('close', () => {
      if (!this.#upgraded) this.#end(response.writableFinished);
    });
  }

  /** Whether the request has not come whole yet. */
  get receiving(): boolean {
    return !this.#incoming.complete;
  }

  /** The rest of the request will not come, or cannot be read. */
  fail(kind: ClientFailureKind, message: string): void {
    if (this.body instanceof StreamBody) this.body.fail({ kind, message });
  }

  inform({ status, headers }: ResponseHead): void {
    if (this.request.protocol === 'HTTP/1.0' || this.#response.headersSent) return;
    if (status === 100) this.#response.writeContinue();
    else this.#socket.write(headText(status, headers), 'latin1');
  }

  respond(head: ResponseHead, body: Body): void {
    const response = this.#response;
    this.longLived = isEventStream(head);
    const bodiless = this.request.method === 'HEAD' || head.status === 204 || head.status === 304;
    const chunked = !bodiless && body.length === null && this.request.protocol === 'HTTP/1.1';
    try {
      response.writeHead(head.status, this.#headersOf(head, chunked));
    } catch {
      // A field that no HTTP/1 message can carry.
      body.cancel();
      this.abort();
      return;
    }
    if (bodiless || body.length === 0) {
      body.cancel();
      response.end();
      return;
    }
    // The head goes out at once; flushHeaders would write it as UTF-8.
    response.write('', 'latin1');
    flowInto(response, body, {
      stallMs: this.#options.limits.bodyIdleMs,
      end: (trailers) => {
        if (chunked) response.addTrailers(fieldPairs(passableTrailers(trailers)));
        response.end();
      },
      fail: () => this.abort(),
      stalled: () => this.abort(),
    });
  }

  upgrade(head: ResponseHead, fromUpstream: Body): Body {
    const socket = this.#socket;
    this.#upgraded = true;
    this.longLived = true;
    this.#response.detachSocket(socket);
    socket.setTimeout(0);
    // One side may end while the other goes on.
    socket.allowHalfOpen = true;
    socket.on('close', () => this.#end(true));
    socket.write(headText(head.status, ['Connection', 'Upgrade', ...head.headers]), 'latin1');
    const { early } = this.#options.upgrade ?? { early: Buffer.alloc(0) };
    if (early.length > 0) socket.unshift(early);
    const fromClient = new StreamBody(socket, {
      length: null,
      idle: null,
      broken: 'client-gone',
      trailers: () => [],
      discard: () => socket.destroy(),
    });
    const frames = isWebSocket(head) ? new FrameTracker() : null;
    this.#frames = frames;
    const seen =
      frames === null ? fromUpstream : watched(fromUpstream, { onChunk: (chunk) => frames.push(chunk) });
    flowInto(socket, seen, {
      stallMs: this.#options.limits.bodyIdleMs,
      end: () => socket.end(),
      fail: () => socket.destroy(),
      stalled: () => socket.destroy(),
    });
    return fromClient;
  }

  abort(): void {
    this.#socket.destroy();
  }

  /** Ends what has run too long; a WebSocket is told why. */
  cut(): void {
    if (this.#frames?.betweenFrames !== true || !this.#socket.writable) {
      this.abort();
      return;
    }
    this.#socket.end(GOING_AWAY);
    new Deadline(FAREWELL_MS, () => this.abort()).start();
  }

  #end(complete: boolean): void {
    this.onClose(complete);
    this.onEnd();
  }

  #headersOf({ status, headers, last }: ResponseHead, chunked: boolean): string[] {
    const kept = filterFields(headers, (key) => {
      if (key === 'trailer') return chunked;
      // RFC 9110 8.6: never with 204.
      return key !== 'content-length' || status !== 204;
    });
    if (last === true || this.#options.closing()) kept.push('Connection', 'close');
    return kept;
  }

  /** The client may still be sending a body that nobody wants: it is read for a while, so that it sees the response. */
  #linger(): void {
    if (!this.receiving) return;
    const linger = new Deadline(LINGER_MS, () => this.#socket.destroy());
    linger.start();
    this.#incoming.once('close', () => linger.stop());
    this.#incoming.resume();
  }
}

function requestBody(incoming: IncomingMessage, limits: Limits): Body {
  const length = bodyLengthOf(incoming);
  if (length === 0) return emptyBody;
  return new StreamBody(incoming, {
    length,
    idle: { ms: limits.bodyIdleMs, kind: 'client-timeout' },
    broken: 'client-gone',
    trailers: () => incoming.rawTrailers,
    discard: () => incoming.resume(),
  });
}

/** A head that Node's response has no call for: 101, 102 and 103. */
function headText(status: number, headers: RawHeaders): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fieldLines(headers)}\r\n`;
}
