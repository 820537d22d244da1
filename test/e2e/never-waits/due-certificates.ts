import { toCertificate } from '../../../src/certs/facts.ts';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { FileStore } from '../../../src/store/file-store.ts';
import { createCsr } from '../../../src/x509/csr.ts';
import { generatePrivateKey } from '../../../src/x509/private-key.ts';
import type { Authority } from '../../acme/fake-ca/authority.ts';

const DAY_MS = 86_400_000;
/** 70 of 90 days are over: renewal was due ten days ago, and nobody need hurry. */
const VALIDITY = { beforeMs: 70 * DAY_MS, afterMs: 20 * DAY_MS };

/**
 * Fills a store with certificates of `issuer` that work and are due for renewal; each is given by its names, of which
 * the first is its id. Returns their serial numbers by id.
 */
export async function storeDueCertificates(
  directory: string,
  issuer: string,
  authority: Authority,
  certificates: readonly (readonly string[])[],
): Promise<ReadonlyMap<string, string>> {
  const store = new FileStore({ directory, clock: systemClock, emit: () => {} });
  const serials = new Map<string, string>();
  const now = systemClock.now();
  for (const names of certificates) {
    const [id = ''] = names;
    const key = await generatePrivateKey('p256');
    const request = await createCsr({ names, key, mustStaple: false });
    const validity = { notBefore: now - VALIDITY.beforeMs, notAfter: now + VALIDITY.afterMs };
    const chain = await authority.issue(request, { validity });
    const origin = { id, issuer, obtainedAt: validity.notBefore, source: 'rigil' };
    const certificate = toCertificate(chain, key, origin);
    const lock = await store.lock(lockKeyOf(id), new AbortController().signal);
    await store.save(certificate, lock);
    await lock.release();
    serials.set(id, certificate.facts.serial);
  }
  return serials;
}
