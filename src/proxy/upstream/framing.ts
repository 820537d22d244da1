import { fieldsOf } from '../raw-headers.ts';
import type { UpstreamRequest } from './upstreams.ts';

/**
 * The fields of a request with the framing that its body needs (RFC 9112 6), spelt out so that nothing is guessed:
 * a body without a known length is always chunked, whatever the method. A method that expects a body and has none
 * says so (RFC 9110 8.6).
 */
export function framedHeaders({ method, headers, body, upgrade }: UpstreamRequest): string[] {
  const framed: string[] = [];
  const options = [upgrade === null ? 'keep-alive' : 'Upgrade'];
  for (const [name, value] of fieldsOf(headers)) {
    const key = name.toLowerCase();
    if (key === 'trailer' && body.length !== null) continue;
    if (key === 'expect' && body.length === 0) continue;
    if (key === 'te') options.push('TE');
    framed.push(name, value);
  }
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
