import type { RunResult } from '../certs/run.ts';
import { RigilError } from '../errors.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';
import { findCertificate } from './show-certificate.ts';

/** CRLReason of RFC 5280 5.3.1, as far as the holder of a certificate may give it. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

export interface RevokeOptions {
  /** Id, or a name in the certificate. */
  readonly name: string;
  readonly reason: RevocationReason;
  /** Whether another certificate, with a new key, takes its place. */
  readonly replace: boolean;
}

/** `certs revoke --json`. */
export interface Revocation {
  readonly revoked: {
    readonly id: string;
    readonly issuer: string;
    readonly serial: string;
    readonly reason: RevocationReason;
  };
  /** Null = none was to be obtained, or no route wants one. */
  readonly replacement: RunResult | null;
}

/**
 * Revokes a certificate at the issuer that it came from, then replaces it.
 *
 * @throws RigilError `name-unknown`, `revocation-refused`, `issuer-unknown`, or that of the issuer or the store;
 *   a replacement that fails is part of the result
 */
export function revokeCertificate(
  options: OfflineOptions,
  { name, reason, replace }: RevokeOptions,
): Promise<Revocation> {
  return offline(options, { purpose: 'work' }, async (parts) => {
    const { manager, store, signal } = parts;
    const { id, facts } = await findCertificate(name, parts);
    const certificate = facts === null ? null : await store.load(facts.issuer, facts.id);
    if (certificate === null) {
      throw new RigilError('name-unknown', `there is no certificate of ${id} that could be revoked`);
    }
    const { issuer, serial } = certificate.facts;
    await revokerOf(issuer, id, parts)(certificate, REVOCATION_REASONS[reason], signal);
    const revoked = { id, issuer, serial, reason };
    if (!replace || !manager.entries.has(id)) return { revoked, replacement: null };
    return { revoked, replacement: await manager.run({ ids: [id], force: true, signal }) };
  });
}

function revokerOf(name: string, id: string, { issuers }: Offline) {
  const issuer = issuers.get(name);
  if (issuer === undefined) {
    throw new RigilError('issuer-unknown', `${id} came from ${name}, which the configuration does not have`, {
      hint: `write an \`issuer ${name}\` section with the directory of its CA, then run the command again`,
    });
  }
  const { revoke } = issuer;
  if (revoke === undefined) {
    throw new RigilError('revocation-refused', `${name} cannot revoke certificates`, {
      hint: `\`rigil certs renew --force ${id}\` puts another one in its place`,
    });
  }
  return revoke.bind(issuer);
}
