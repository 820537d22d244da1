import { toCertificate } from '../../src/certs/facts.ts';
import { lockKeyOf } from '../../src/certs/ports.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import type { TestCertificate } from '../responder.ts';

/** Puts a certificate into a store as if `issuer` had issued it an hour and a half ago. */
export async function store(
  directory: string,
  issuer: string,
  { pem, key }: TestCertificate,
  ca: TestCertificate,
): Promise<void> {
  const files = new FileStore({ directory, clock: systemClock, emit: () => {} });
  const id = readLeaf(pem).names[0] ?? '';
  const obtainedAt = systemClock.now() - 5_400_000;
  const certificate = toCertificate(pem + ca.pem, key, { id, issuer, obtainedAt, source: 'test' });
  const lock = await files.lock(lockKeyOf(id), new AbortController().signal);
  await files.save(certificate, lock);
  await lock.release();
}
