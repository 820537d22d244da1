import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { thumbprintOf } from '../../src/acme/thumbprint.ts';

/** A private key in PEM from its JWK. */
function pem(jwk: object): string {
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString();
}

describe('the thumbprint of a key', () => {
  it('is that of RFC 7638, whatever else a JWK may say', () => {
    // The key of RFC 7515 A.3.
    const key = pem({
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
    });
    expect(thumbprintOf(key)).toBe('oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U');
  });
});
