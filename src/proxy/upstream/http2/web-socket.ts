import { createHash } from 'node:crypto';
import { ascii } from '../../codec/octets.ts';
import type { RawHeaders } from '../../exchange.ts';
import { fieldValue, filterFields, tokensOf } from '../../raw-headers.ts';
import type { UpstreamRequest } from '../upstreams.ts';

/** Whether a request asks to switch to WebSocket, the one protocol that HTTP/2 has a way for (RFC 8441). */
export function asksForWebSocket({ upgrade }: UpstreamRequest): boolean {
  return upgrade !== null && tokensOf(['upgrade', upgrade], 'upgrade').includes('websocket');
}

/**
 * The fields of the 101 that answers a client of HTTP/1.1, from those of the response to extended CONNECT: HTTP/2 needs
 * no proof that the request was understood, so that it is given here (RFC 6455 4.2.2, RFC 8441 5).
 */
export function switchedHeaders(request: UpstreamRequest, headers: RawHeaders): RawHeaders {
  const passed = filterFields(headers, (key) => key !== 'content-length' && key !== 'sec-websocket-accept');
  const key = keyOf(request);
  const accept = key === null ? [] : ['sec-websocket-accept', acceptOf(key)];
  return ['upgrade', 'websocket', ...accept, ...passed];
}

/** The name of the field with the client's nonce, which is for one connection. */
export const WEB_SOCKET_KEY = ascii('sec-websocket-key');

function keyOf({ headers, passed }: UpstreamRequest): string | null {
  if (passed === undefined) return fieldValue(headers, 'sec-websocket-key');
  const index = passed.findName(WEB_SOCKET_KEY);
  return index < 0 ? null : passed.value(index);
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'latin1').digest('base64');
}
