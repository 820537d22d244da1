import type { Certificate } from '../certs/certificate.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import { certificatesOf } from '../x509/pem.ts';
import type { Account } from './account.ts';
import { AcmeProblem } from './problem.ts';
import type { OpenProtocol } from './protocol.ts';

/** CRLReason of RFC 5280 5.3.1. */
const KEY_COMPROMISE = 1;

/**
 * Revokes with the account's key; with the certificate's own key (RFC 8555 7.6) when there is no account, when the CA
 * does not let the account, or when that key is compromised, which the signature then proves.
 *
 * @throws RigilError `revocation-refused`
 */
export async function revokeCertificate(
  certificate: Certificate,
  reason: number,
  tools: { readonly account: Account; readonly open: OpenProtocol; readonly signal: AbortSignal },
): Promise<void> {
  const { account, open, signal } = tools;
  const der = certificatesOf(certificate.chain)[0]?.der.toString('base64url') ?? '';
  const credentials = await account.existing();
  try {
    if (credentials !== null && reason !== KEY_COMPROMISE) {
      const protocol = await open(credentials, signal);
      const outcome = await revoke(() => protocol.revoke(der, reason, 'account'));
      if (outcome !== 'unauthorized') return;
    }
    const protocol = await open({ key: certificate.key, url: null, eab: null }, signal);
    const outcome = await revoke(() => protocol.revoke(der, reason, 'certificate-key'));
    if (outcome === 'unauthorized')
      throw new RigilError('issuer-refused', 'the CA does not let us revoke it');
  } catch (error) {
    if (codeOf(error) !== 'issuer-refused') throw error;
    throw new RigilError('revocation-refused', messageOf(error), { cause: error });
  }
}

/** Revoking what is revoked already is no error. */
async function revoke(attempt: () => Promise<void>): Promise<'revoked' | 'unauthorized'> {
  try {
    await attempt();
    return 'revoked';
  } catch (error) {
    const type = error instanceof AcmeProblem ? error.problem.type : null;
    if (type === 'alreadyRevoked') return 'revoked';
    if (type === 'unauthorized') return 'unauthorized';
    throw error;
  }
}
