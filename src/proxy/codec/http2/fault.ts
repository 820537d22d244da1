import type { H2ErrorCode } from './protocol.ts';

/**
 * What is wrong with what the peer sent (RFC 9113 5.4): the error code that the peer is told, and a stable word for
 * logs and metrics.
 *
 * `connection`: send GOAWAY with the code, then close. `stream`: send RST_STREAM; everything else goes on.
 */
export interface H2Fault {
  readonly scope: 'connection' | 'stream';
  readonly error: H2ErrorCode;
  readonly reason: string;
}

/** A connection error (RFC 9113 5.4.1). */
export function connectionFault(error: H2ErrorCode, reason: string): H2Fault {
  return { scope: 'connection', error, reason };
}

/** A stream error (RFC 9113 5.4.2). */
export function streamFault(error: H2ErrorCode, reason: string): H2Fault {
  return { scope: 'stream', error, reason };
}
