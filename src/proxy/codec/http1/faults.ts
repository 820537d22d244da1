/**
 * What can be wrong with an HTTP/1 message, with the status that a client gets for it.
 *
 * The codes are stable: logs, metrics and tests name them. A fault is a value and not an exception, because bad bytes
 * from the Internet are nothing exceptional. After any of them nothing that follows on the connection can be trusted:
 * answer, then close. In a response from an upstream every fault means 502.
 */
export const FAULTS = {
  // Lines (RFC 9112 2.2, 5)
  'bare-cr': 400,
  'bare-lf': 400,
  'control-byte': 400,
  'leading-lines': 400,
  'obs-fold': 400,
  'space-before-field': 400,
  'field-name-missing': 400,
  'field-name-invalid': 400,
  'space-before-colon': 400,
  'head-too-large': 431,
  'too-many-fields': 431,
  // Request line (RFC 9112 3)
  'method-invalid': 400,
  'method-too-long': 501,
  'method-lower-case': 501,
  'target-missing': 400,
  'target-invalid': 400,
  'target-fragment': 400,
  'target-backslash': 400,
  'target-too-long': 414,
  'target-form': 400,
  'target-scheme': 400,
  'target-authority': 400,
  'version-missing': 400,
  'version-invalid': 400,
  'version-unsupported': 505,
  // Status line (RFC 9112 4)
  'status-line-invalid': 400,
  'status-invalid': 400,
  // Host (RFC 9112 3.2, RFC 9110 7.2)
  'host-missing': 400,
  'host-repeated': 400,
  'host-invalid': 400,
  'host-mismatch': 400,
  // Framing (RFC 9112 6)
  'content-length-invalid': 400,
  'content-length-repeated': 400,
  'content-length-with-transfer-encoding': 400,
  'transfer-encoding-repeated': 400,
  'transfer-encoding-invalid': 400,
  'transfer-encoding-in-http-1.0': 400,
  'transfer-coding-unknown': 501,
  'chunked-not-last': 400,
  'chunked-missing': 400,
  'connect-with-body': 400,
  // Other fields
  'connection-invalid': 400,
  'connection-names-framing': 400,
  'expectation-unknown': 417,
  // Chunked body (RFC 9112 7.1)
  'chunk-size-invalid': 400,
  'chunk-size-too-large': 413,
  'chunk-extension-invalid': 400,
  'chunk-extensions-too-large': 413,
  'chunk-end-missing': 400,
  'trailer-forbidden': 400,
  'trailers-too-large': 431,
} as const satisfies Record<string, number>;

export type Fault = keyof typeof FAULTS;

/** What a reader says after each piece: it wants more bytes, it is done, or its `fault` tells what is wrong. */
export type Verdict = 'more' | 'done' | 'fault';
