/** One PEM block (RFC 7468). */
export interface PemBlock {
  /** What stands after BEGIN, such as `CERTIFICATE` or `PRIVATE KEY`. */
  readonly label: string;
  /** The block with its two marker lines, ending in a line feed. */
  readonly text: string;
  readonly der: Buffer;
}

/** The blocks of a PEM text in order; whatever stands around them is left out. */
export function splitPem(text: string): PemBlock[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g);
  return Array.from(blocks, ([, label = '', body = '']) => toBlock(label, Buffer.from(body, 'base64')));
}

/** The certificates of a PEM text in order, each as a block. Keys and all else are left out. */
export function certificatesOf(text: string): PemBlock[] {
  return splitPem(text).filter(({ label }) => label === 'CERTIFICATE');
}

/** PEM text for DER bytes: 64 characters a line, as everybody writes it. */
export function toPem(label: string, der: Uint8Array): string {
  return toBlock(label, Buffer.from(der)).text;
}

function toBlock(label: string, der: Buffer): PemBlock {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    label,
    der,
    text: [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n'),
  };
}
