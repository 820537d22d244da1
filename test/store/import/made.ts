import { makeRoot, readRoot } from '../../../src/internal-ca/authority.ts';
import { makeLeaf } from '../../../src/internal-ca/leaf.ts';
import { systemRandom } from '../../../src/platform/random.ts';

/** A certificate from a CA of its own, as another program would have it. */
export interface Made {
  readonly leaf: string;
  readonly root: string;
  readonly key: string;
}

/** Makes a certificate of seven days for `names` that was issued at `now`. */
export async function made(names: readonly string[], now: number = Date.now()): Promise<Made> {
  const root = await makeRoot(now, systemRandom);
  const authority = await readRoot(root);
  const { chain, key } = await makeLeaf(authority, { names, keyType: 'p256', now, random: systemRandom });
  return { leaf: chain, root: root.certificate, key };
}

/** As Centauri writes an entry of `certs.json`. */
export function centauriEntry({ leaf, root, key }: Made, provider = 'lego'): object {
  return {
    provider,
    issuer: root,
    privateKey: key,
    certificate: leaf + root,
    subject: 'the subject',
    altNames: null,
    notAfter: '0001-01-01T00:00:00Z',
    ocspResponse: null,
    nextOcspUpdate: '0001-01-01T00:00:00Z',
  };
}

/** As Traefik writes a certificate of `acme.json`. */
export function traefikEntry({ leaf, root, key }: Made, main: string): object {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { domain: { main }, certificate: base64(leaf + root), key: base64(key), Store: 'default' };
}
