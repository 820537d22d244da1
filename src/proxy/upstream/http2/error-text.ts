import { H2_ERROR } from '../../codec/http2/protocol.ts';

/** What an error code is called (RFC 9113 7), as in `REFUSED_STREAM`; a number when it has no name. */
export function errorText(code: number): string {
  for (const [name, known] of Object.entries(H2_ERROR)) {
    if (known === code) return name.replace(/[A-Z]/g, '_$&').toUpperCase();
  }
  return `error ${code}`;
}
