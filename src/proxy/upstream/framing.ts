import { fieldValue, filterFields } from '../raw-headers.ts';
import type { UpstreamRequest } from './upstreams.ts';

/**
 * The fields of a request with the framing that its body needs (RFC 9112 6), spelt out so that nothing is guessed:
 * a body without a known length is always chunked, whatever the method. A method that expects a body and has none
 * says so (RFC 9110 8.6).
 */
export function framedHeaders(request: UpstreamRequest): string[] {
  const { headers, body } = request;
  const kept = filterFields(headers, (key) => {
    if (key === 'trailer') return body.length === null;
    return key !== 'expect' || body.length !== 0;
  });
  return [...kept, ...framingFields(request)];
}

/** What {@link framedHeaders} adds. */
export function framingFields({ method, headers, body, upgrade }: UpstreamRequest): string[] {
  const framed: string[] = [];
  const options = [upgrade === null ? 'keep-alive' : 'Upgrade'];
  if (fieldValue(headers, 'te') !== null) options.push('TE');
  if (upgrade !== null) framed.push('Upgrade', upgrade);
  framed.push('Connection', options.join(', '));
  if (body.length === null) framed.push('Transfer-Encoding', 'chunked');
  else if (body.length > 0 || EXPECTS_BODY.has(method)) framed.push('Content-Length', String(body.length));
  return framed;
}

/** Whether a request may be sent twice without harm (RFC 9110 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

const EXPECTS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
