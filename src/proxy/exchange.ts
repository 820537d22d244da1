import type { FieldTable } from './codec/field-table.ts';
import type { ConnectionMemo } from './connection-memo.ts';
import type { Failure } from './failure.ts';

/**
 * One request and its answer, as the handler sees them, whatever protocol the client speaks.
 *
 * The engines of `http1/` and `http2/` make exchanges from connections, the engine of `upstream/` answers through a
 * {@link Responder}. What lies between them (routing, forwarded headers, header rules, redirects, error pages,
 * metrics) knows only the types of this file.
 */
export interface Exchange extends Responder {
  readonly request: RequestHead;
  /** The body of the request. Whoever has the exchange must let it flow or cancel it. */
  readonly body: Body;
  /** Breaks the connection or stream, so that nobody takes what was sent for a complete response. */
  abort(): void;
  /**
   * Called once, when nothing more can be sent: `complete` says whether the whole response went out. Not complete
   * means that the client left or that the exchange was aborted.
   */
  onClose: (complete: boolean) => void;
}

/** Where a response goes: to a client, or through the handler on its way there. */
export interface Responder {
  /** An interim response: 100, 102 or 103 (RFC 9110 15.2). Any number of them, before the final one. */
  inform(head: ResponseHead): void;
  /**
   * The final response. The head has a `content-length` if there is one to be told; framing that belongs to one
   * connection (`transfer-encoding`, `connection`) is the engine's.
   */
  respond(head: ResponseHead, body: Body): void;
  /**
   * Instead of `respond`, after 101: both sides now carry bytes without HTTP. Takes those of the upstream, returns
   * those of the client.
   */
  upgrade(head: ResponseHead, fromUpstream: Body): Body;
}

export interface RequestHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  /** The request target byte for byte: origin-form, absolute-form, authority-form or `*` (RFC 9112 3.2). */
  readonly target: string;
  /** `:authority` of HTTP/2; null when the host is in a `Host` field only. */
  readonly authority: string | null;
  readonly headers: RawHeaders;
  /**
   * The same fields where they lie, for whoever passes them on without a look at each. They hold until the exchange is
   * over. Absent where there are only strings.
   */
  readonly table?: FieldTable;
  /** Kept for the connection by whoever works something out. Absent where nothing is to be kept. */
  readonly memo?: ConnectionMemo;
  /** The protocols that the client asks to switch to, as in its `Upgrade` field; null when it asks for none. */
  readonly upgrade: string | null;
  /** The peer's address without port; null when it came through a Unix socket. */
  readonly remoteAddress: string | null;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: RawHeaders;
  /**
   * Where `headers` are the end-to-end lines of this table followed by `added`: for whoever writes them without a look
   * at each. It holds until `respond` has returned; so does `headers` unless it has been read before.
   */
  readonly table?: FieldTable;
  readonly added?: RawHeaders;
  /** The client's connection ends after this response: what follows on it cannot be trusted. HTTP/1 only. */
  readonly last?: boolean;
}

/**
 * Header fields in the order and spelling in which they came: name, value, name, value …
 * Every character stands for one byte (latin1), so that nothing is lost on the way.
 */
export type RawHeaders = readonly string[];

/**
 * Bytes that flow one way, with back-pressure. It is either given to one sink, once, or cancelled.
 *
 * The one who sends a body onwards pulls it: `flow` starts it, a `write` that returns false stops it, `resume` goes on.
 */
export interface Body {
  /** In bytes; null when it is not known beforehand; 0 when there is none. */
  readonly length: number | null;
  flow(sink: Sink): void;
  /** Goes on after a `write` that returned false. */
  resume(): void;
  /** The rest is not wanted. The sink hears nothing more. */
  cancel(): void;
}

/** The receiving end of a {@link Body}. Exactly one of `end` and `fail` is called, last. */
export interface Sink {
  /** Whether chunks may be overwritten as soon as `write` has returned. Otherwise the source must part with them. */
  readonly consumes?: boolean;
  /** Returns false when nothing more should come before `resume`. */
  write(chunk: Buffer): boolean;
  /** That was all. Trailer fields may be empty. */
  end(trailers: RawHeaders): void;
  /** The source broke: what was written is not all. */
  fail(failure: Failure): void;
}
