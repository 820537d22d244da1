import { Refusal, RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import type { OcspCertificate } from './certificate.ts';
import type { HttpPorts } from './fetch.ts';
import { usableUntil } from './freshness.ts';
import type { Answer } from './query.ts';
import type { CertificateStatus } from './response.ts';

/** A verified OCSP answer of a responder. Only a `good` one may be stapled. */
export interface Staple {
  readonly der: Uint8Array;
  readonly status: CertificateStatus;
  readonly thisUpdate: Instant;
  readonly nextUpdate: Instant | null;
  readonly producedAt: Instant;
  /** How long it may be stapled: counts nextUpdate and the ends of the signer and of the certificate. Null = never. */
  readonly usableUntil: Instant | null;
  /** Until when a cache would give the same answer again, or null. */
  readonly cachedUntil: Instant | null;
  /** URL of the responder. */
  readonly responder: string;
}

/**
 * Asks the responders that the leaf of `chain` (PEM, leaf first) names, and verifies what they say. The issuer is in
 * the chain or, when it is not, where the leaf says that it is. Ends soon after `signal` aborts.
 *
 * @throws RigilError `responder-missing`, `responder-unreachable`, `staple-unusable`, `issuer-certificate-missing` or
 *   `certificate-unusable`; the `retryAt` of a {@link Refusal} wins over any back-off
 */
export async function fetchStaple(chain: string, ports: HttpPorts, signal: AbortSignal): Promise<Staple> {
  // The ASN.1 libraries take some 80 ms to load: only who has a responder to ask pays for them.
  const [{ readCertificates }, { fetchIssuer, findIssuer }, { askResponders }] = await Promise.all([
    import('./certificate.ts'),
    import('./issuer.ts'),
    import('./query.ts'),
  ]);
  const [certificate, ...rest] = readCertificates(Buffer.from(chain));
  if (certificate === undefined) throw new RigilError('certificate-unusable', 'the chain is empty');
  if (certificate.responderUrls.length === 0) throw noResponder();
  const issuer = findIssuer(certificate, rest) ?? (await fetchIssuer(certificate, ports, signal));
  if (issuer === null) throw noIssuer();
  // No nonce: public responders sign in advance, and a client takes any answer that is in time anyway.
  const query = { certificate, issuer, hash: 'sha1', nonce: null } as const;
  const answer = await askResponders(query, ports, signal);
  if (answer === null) throw noResponder();
  return stapleFrom(answer, certificate);
}

function stapleFrom(answer: Answer, certificate: OcspCertificate): Staple {
  const { der, verdict, url, cachedUntil } = answer;
  const { verified, status, thisUpdate, nextUpdate, producedAt } = verdict;
  if (der === null || !verified || status === null || thisUpdate === null || producedAt === null) {
    throw refusal(answer);
  }
  return {
    der,
    status,
    thisUpdate,
    nextUpdate,
    producedAt,
    usableUntil: usableUntil(verdict, certificate.x509.validToDate.getTime()),
    cachedUntil,
    responder: url,
  };
}

function refusal({ der, verdict, url, retryAt }: Answer): Refusal {
  const worst = verdict.problems.find(({ severity }) => severity === 'error');
  const message = worst?.message ?? 'the responder says nothing';
  return der === null
    ? new Refusal('responder-unreachable', message, { hint: worst?.hint, retryAt })
    : new Refusal('staple-unusable', `${url}: ${message}`, { hint: worst?.hint, retryAt });
}

function noResponder(): RigilError {
  return new RigilError('responder-missing', 'the certificate names no OCSP responder', {
    hint: 'nothing to do: its CA publishes revocation lists only, and clients expect no staple',
  });
}

function noIssuer(): RigilError {
  return new RigilError(
    'issuer-certificate-missing',
    'the certificate of the issuer is not in the chain, nor where the certificate says',
    { hint: 'import the full chain, with the intermediate certificates' },
  );
}
