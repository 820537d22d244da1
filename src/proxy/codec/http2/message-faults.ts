import { FIELD } from '../field-kind.ts';

/**
 * What can make a message malformed (RFC 9113 8.1.1), with the status of the answer. 0 = no answer, but a stream error of
 * type PROTOCOL_ERROR. The codes are stable, as those of HTTP/1 are.
 */
export const MESSAGE_FAULTS = {
  'header-list-too-large': 431,
  'field-name-invalid': 0,
  'field-value-invalid': 0,
  'pseudo-field-unknown': 0,
  'pseudo-field-late': 0,
  'pseudo-field-repeated': 0,
  'pseudo-field-missing': 0,
  'pseudo-field-unexpected': 0,
  'connection-field': 0,
  'te-invalid': 0,
  'method-invalid': 0,
  'scheme-invalid': 0,
  'path-invalid': 0,
  'status-invalid': 0,
  'authority-missing': 400,
  'authority-invalid': 400,
  'host-repeated': 400,
  'host-mismatch': 400,
  'content-length-invalid': 0,
  'content-length-repeated': 0,
  'content-length-mismatch': 0,
  'target-too-long': 414,
  'expectation-unknown': 417,
  'connect-protocol-unexpected': 0,
  'trailer-forbidden': 0,
} as const satisfies Record<string, number>;

export type MessageFault = keyof typeof MESSAGE_FAULTS;

/** The fault of a field that no message may have, whatever its place (RFC 9113 8.2); null if there is none. */
export function kindFault(kind: number): MessageFault | null {
  switch (kind) {
    case FIELD.invalidName:
      return 'field-name-invalid';
    case FIELD.invalidValue:
      return 'field-value-invalid';
    case FIELD.unknownPseudo:
      return 'pseudo-field-unknown';
    case FIELD.connection:
    case FIELD.keepAlive:
    case FIELD.proxyConnection:
    case FIELD.transferEncoding:
    case FIELD.upgrade:
      return 'connection-field';
    default:
      return null;
  }
}

/** Whether it is the kind of a pseudo-field (RFC 9113 8.3). */
export function isPseudo(kind: number): boolean {
  return kind >= FIELD.method && kind <= FIELD.unknownPseudo;
}
