import { fieldValue } from '../raw-headers.ts';
import type { UpstreamRequest } from './upstreams.ts';

/**
 * The lines that frame a request as its body needs (RFC 9112 6), spelt out so that nothing is guessed: a body without a
 * known length is always chunked, whatever the method. A method that expects a body and has none says so
 * (RFC 9110 8.6).
 */
export function framingLines({ method, headers, body, upgrade }: UpstreamRequest): string {
  const te = fieldValue(headers, 'te') === null ? '' : ', TE';
  let connection = PLAIN;
  if (upgrade !== null) connection = `Upgrade: ${upgrade}\r\nConnection: Upgrade${te}\r\n`;
  else if (te !== '') connection = `Connection: keep-alive${te}\r\n`;
  if (body.length === null) return `${connection}Transfer-Encoding: chunked\r\n`;
  if (body.length === 0 && !EXPECTS_BODY.has(method)) return connection;
  return `${connection}Content-Length: ${body.length}\r\n`;
}

/** What frames most requests. */
export const PLAIN = 'Connection: keep-alive\r\n';

/** Whether a request may be sent twice without harm (RFC 9110 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Methods of requests that say so when they have no body (RFC 9110 8.6). */
export const EXPECTS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
