import type { CertificateManager } from '../certs/manager.ts';
import type { CertificateStore } from '../certs/ports.ts';
import type { InternalCa } from '../internal-ca/internal-ca.ts';
import type { StapleKeeper } from '../ocsp/staple-keeper.ts';
import type { Clock } from '../platform/clock.ts';

/** Often enough for a daemon that is restarted every day. */
const FORGET_EVERY_MS = 6 * 3_600_000;

interface Parts {
  readonly keeper: StapleKeeper;
  readonly manager: Pick<CertificateManager, 'certificates'>;
  /** Fingerprints of what workers show, which may be the certificate before the one that is held. */
  shown(): Iterable<string>;
  readonly store: Pick<CertificateStore, 'list'>;
  /** The local CAs that have a responder. */
  localCas(): readonly InternalCa[];
  readonly clock: Clock;
  readonly onFault: (fault: unknown) => void;
}

/**
 * Takes staples back before they end. Now and then forgets those of certificates that are gone from this process and
 * from the store, and what local CAs remember of certificates that have expired. Returns a function that stops it.
 */
export function startOcspUpkeep({
  keeper,
  manager,
  shown,
  store,
  localCas,
  clock,
  onFault,
}: Parts): () => void {
  const stopSweep = keeper.start();
  const forget = async (): Promise<void> => {
    const { certificates } = await store.list();
    const held = [...manager.certificates.values()].map(({ facts }) => facts);
    const known = [...certificates, ...held].map(({ fingerprint }) => fingerprint);
    await keeper.retain(new Set([...known, ...shown()]));
    for (const ca of localCas()) await ca.forgetExpired();
  };
  const stopForgetting = clock.every(FORGET_EVERY_MS, () => void forget().catch(onFault));
  return () => {
    stopSweep();
    stopForgetting();
  };
}
