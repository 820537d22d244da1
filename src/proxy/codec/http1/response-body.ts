import type { ResponseParser } from './response-parser.ts';

/**
 * How a body is delimited: not there at all, by Content-Length, in chunks, by the end of the connection, or no body
 * but another protocol from here on.
 */
export type BodyKind = 'none' | 'length' | 'chunked' | 'until-close' | 'tunnel';

/**
 * How the body of a response is delimited (RFC 9112 6.3), in answer to a request with `method`.
 *
 * After 1xx another head follows. `tunnel` after 101 is right only if the request asked for an upgrade; otherwise the
 * upstream is wrong, and that is for the engine to know.
 */
export function responseBody(head: ResponseParser, method: string): BodyKind {
  const status = head.status;
  if (status === 101) return 'tunnel';
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (method === 'CONNECT' && status < 300) return 'tunnel';
  if (head.chunked) return 'chunked';
  if (head.contentLength === 0) return 'none';
  return head.contentLength > 0 ? 'length' : 'until-close';
}

/**
 * Whether the connection to the upstream may carry another request after this body. Not if the upstream announced a
 * body where there can be none: nobody knows whether it comes.
 */
export function staysOpen(head: ResponseParser, body: BodyKind): boolean {
  if (!head.keepAlive || body === 'until-close' || body === 'tunnel') return false;
  const bodiless = head.status < 200 || head.status === 204;
  return !(bodiless && (head.chunked || head.contentLength > 0));
}
