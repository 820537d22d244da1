import { emptyBody } from './body.ts';
import { FIELD } from './codec/field-kind.ts';
import type { Page } from './default-page.ts';
import type { RequestHead } from './exchange.ts';
import { isGrpcRequest } from './long-lived.ts';
import { fieldValue } from './raw-headers.ts';

/**
 * Whether a client of gRPC reads the answer: it looks for `grpc-status` and not for the status of HTTP. gRPC-Web does not
 * count, since browsers and its libraries know what a status of HTTP means.
 */
export function expectsGrpcStatus(request: RequestHead): boolean {
  if (request.protocol !== 'HTTP/2' || !isGrpcRequest(request)) return false;
  const type = request.table?.valueOf(FIELD.contentType) ?? fieldValue(request.headers, 'content-type');
  return type?.toLowerCase().startsWith('application/grpc-web') !== true;
}

/**
 * The failure of an upstream for a client of gRPC: a response of trailers only, whose status of HTTP is 200 in any case
 * (gRPC over HTTP/2, "Responses"). 502 and 504 are UNAVAILABLE (gRPC, "HTTP to gRPC Status Code Mapping").
 */
export function grpcFailure(status: number): Page {
  const headers = [
    'Content-Type',
    'application/grpc',
    'Grpc-Status',
    UNAVAILABLE,
    'Grpc-Message',
    status === 504 ? LATE : LOST,
  ];
  return { head: { status: 200, headers }, body: emptyBody };
}

const UNAVAILABLE = '14';

/** Characters that need no percent-encoding only. */
const LOST = 'the proxy could not reach the server, or got no valid answer';
const LATE = 'the server did not answer the proxy in time';
