/**
 * One finished request as the access log tells it. Text is as it came, a character for each byte (latin1); it is
 * escaped when a line is made of it. Nothing of `Authorization`, cookies or a user name in a URL is in here.
 */
export interface AccessEntry {
  /** When the request's head had come, in milliseconds since 1970. */
  readonly time: number;
  /** The client, as trusted proxies tell it; null when it has no address (a Unix socket). */
  readonly remoteAddress: string | null;
  /** The other end of the connection. */
  readonly peerAddress: string | null;
  /** Null when what came was no request, or never came whole; so are the next three. */
  readonly method: string | null;
  /** What the client asked for in `:authority` or `Host`. */
  readonly host: string | null;
  /** The request target as it came: mostly path and query. */
  readonly target: string | null;
  readonly protocol: string | null;
  /** Of the listener. */
  readonly scheme: 'http' | 'https';
  /** That of the final response; 499 when the client left before there was one. */
  readonly status: number;
  /** Whether all of the response went out. */
  readonly complete: boolean;
  /** Of the response's body, or of what followed a 101. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly durationMs: number;
  /** Label of the route; null when none answers for the host. */
  readonly route: string | null;
  /** Such as `http://127.0.0.1:8080`; null when none was asked. */
  readonly upstream: string | null;
  /** From asking the upstream to the head of its response; null when there was none. */
  readonly upstreamMs: number | null;
  readonly userAgent: string | null;
  readonly referer: string | null;
}

/** The forms in which a line can be written. */
export type AccessFormat = 'json' | 'common';
