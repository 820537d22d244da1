import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { emptyBody } from '../body.ts';
import type { Body, Exchange, RawHeaders, RequestHead, ResponseHead } from '../exchange.ts';
import { passableTrailers } from '../hop-by-hop.ts';
import { isLongLived } from '../long-lived.ts';
import type { Limits } from '../protocol.ts';
import { eachField, fieldValue } from '../raw-headers.ts';
import { StreamBody } from '../stream-body.ts';
import { flowInto } from '../stream-sink.ts';

/** One stream of an HTTP/2 connection of Node's server. */
export class NodeHttp2Exchange implements Exchange {
  readonly request: RequestHead;
  readonly body: Body;
  onClose: (complete: boolean) => void = () => {};
  /** For the connection: this exchange is over. */
  onEnd: () => void = () => {};
  /** An event stream: lasts as long as both sides like. */
  longLived = false;
  readonly #stream: ServerHttp2Stream;
  readonly #limits: Limits;
  #trailers: RawHeaders = [];

  constructor(
    stream: ServerHttp2Stream,
    rawHeaders: RawHeaders,
    remoteAddress: string | null,
    limits: Limits,
  ) {
    this.#stream = stream;
    this.#limits = limits;
    this.request = headOf(rawHeaders, remoteAddress);
    this.body = requestBody(stream, this.request, limits);
    stream.on('error', () => {});
    stream.on('finish', () => {
      // RFC 9113 8.1: a complete response to an incomplete request ends the request, too.
      if (!stream.readableEnded && !stream.endAfterHeaders) this.reset(constants.NGHTTP2_NO_ERROR);
    });
    stream.on('close', () => {
      this.onClose(stream.writableFinished && !stream.aborted);
      this.onEnd();
    });
  }

  inform({ status, headers }: ResponseHead): void {
    if (this.#stream.headersSent) return;
    try {
      this.#stream.additionalHeaders({ ...fieldsObject(headers), ':status': status });
    } catch {
      // The stream is over, or a field is none for HTTP/2: an interim response may be left out.
    }
  }

  respond(head: ResponseHead, body: Body): void {
    const stream = this.#stream;
    if (stream.destroyed) {
      body.cancel();
      return;
    }
    this.longLived = isLongLived(head);
    const bodiless = this.request.method === 'HEAD' || head.status === 204 || head.status === 304;
    const endStream = bodiless || body.length === 0;
    const headers = { ...fieldsObject(head.headers), ':status': head.status };
    try {
      // Only a body of unknown length can have trailers. Without sendDate a deleted Date would come back.
      const options = { endStream, waitForTrailers: !endStream && body.length === null, sendDate: false };
      stream.respond(headers, options);
    } catch {
      // A field that HTTP/2 cannot carry.
      body.cancel();
      this.abort();
      return;
    }
    if (endStream) {
      body.cancel();
      return;
    }
    stream.on('wantTrailers', () => stream.sendTrailers(fieldsObject(this.#trailers)));
    flowInto(stream, body, {
      stallMs: this.#limits.bodyIdleMs,
      end: (trailers) => {
        this.#trailers = passableTrailers(trailers);
        stream.end();
      },
      fail: () => this.abort(),
      stalled: () => this.abort(),
    });
  }

  /** Never called: no HTTP/2 request asks for an upgrade. */
  upgrade(_head: ResponseHead, fromUpstream: Body): Body {
    fromUpstream.cancel();
    this.abort();
    return emptyBody;
  }

  abort(): void {
    this.reset(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** Ends the stream with an error code (RFC 9113 7). */
  reset(code: number): void {
    this.#stream.close(code);
  }
}

function headOf(rawHeaders: RawHeaders, remoteAddress: string | null): RequestHead {
  const headers: string[] = [];
  const pseudo: Record<string, string> = {};
  eachField(rawHeaders, (name, value) => {
    if (name.startsWith(':')) pseudo[name] = value;
    else headers.push(name, value);
  });
  return {
    method: pseudo[':method'] ?? '',
    scheme: 'https',
    protocol: 'HTTP/2',
    target: pseudo[':path'] ?? '',
    authority: pseudo[':authority'] ?? null,
    headers,
    upgrade: null,
    remoteAddress,
  };
}

function requestBody(stream: ServerHttp2Stream, request: RequestHead, limits: Limits): Body {
  if (stream.endAfterHeaders) return emptyBody;
  const length = fieldValue(request.headers, 'content-length');
  if (length === '0') {
    stream.resume();
    return emptyBody;
  }
  let trailers: RawHeaders = [];
  stream.on('trailers', (_headers, _flags, rawTrailers) => {
    trailers = rawTrailers;
  });
  return new StreamBody(stream, {
    length: length === null ? null : Number(length),
    idle: { ms: limits.bodyIdleMs, kind: 'client-timeout' },
    broken: 'client-gone',
    trailers: () => trailers,
    discard: () => stream.resume(),
  });
}

/** As Node wants them: names in lower case, what comes more than once as a list. */
function fieldsObject(headers: RawHeaders): OutgoingHttpHeaders {
  const object: Record<string, string | string[]> = Object.create(null);
  eachField(headers, (name, value) => {
    const key = name.toLowerCase();
    const before = object[key];
    if (before === undefined) object[key] = value;
    else if (typeof before === 'string') object[key] = [before, value];
    else before.push(value);
  });
  return object;
}
