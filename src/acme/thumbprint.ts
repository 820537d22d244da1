import { createHash, createPublicKey } from 'node:crypto';

/** SHA-256 of the public half of an EC or RSA key in PEM, as a JWK of its required members only (RFC 7638), base64url. */
export function thumbprintOf(key: string): string {
  const { crv, e, kty, n, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url');
}
