import type { X509Certificate } from 'node:crypto';
import { RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import { readLeaf } from '../x509/leaf.ts';
import { parseCertificate } from '../x509/parse-certificate.ts';
import { certificatesOf, type PemBlock, toPem } from '../x509/pem.ts';
import { belongsTo, readPrivateKey } from '../x509/private-key.ts';
import { httpsUrl, plainText } from './untrusted.ts';

/** What a chain from the CA must be good for. */
export interface ChainDemand {
  readonly names: readonly string[];
  /** PEM of the private key. */
  readonly key: string;
}

/** Longer ones are not sent by any CA, and every handshake would carry them. */
const MOST_CERTIFICATES = 10;
/** For messages. */
const CERTIFICATE = 'a certificate of the chain';
/** How far the clocks of the CA and of this machine may differ. */
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * Takes a chain that was downloaded (RFC 8555 7.4.2) apart and together again: only certificates, leaf first, each one
 * issued by the next, without the root.
 *
 * @throws RigilError `certificate-unusable` when it would not serve `demand`
 */
export function checkChain(downloaded: unknown, demand: ChainDemand, now: Instant): string {
  const blocks = certificatesIn(downloaded);
  const certificates = blocks.map(({ der }) => parseCertificate(der, CERTIFICATE));
  const leaf = readLeaf(blocks[0]?.text ?? '');
  if (!belongsTo(readPrivateKey(demand.key), leaf.certificate)) {
    throw unusable('the certificate is for another key than ours');
  }
  const missing = demand.names.filter((name) => !leaf.names.includes(name));
  if (missing.length > 0) throw unusable(`the certificate lacks ${missing.slice(0, 5).join(', ')}`);
  if (leaf.mustStaple && leaf.responderUrl === null) {
    throw unusable('the certificate demands a stapled OCSP answer, but its CA has no OCSP responder', {
      hint: 'remove `must-staple` from the issuer section: clients would refuse this certificate',
    });
  }
  certificates.forEach((certificate, index) => {
    const issuer = certificates[index + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      throw unusable(`certificate ${index + 1} of the chain was not issued by the next one`);
    }
  });
  // Clients have the root or do not trust it: either way sending it is of no use.
  const sent = certificates.filter(
    (certificate, index) => index === 0 || !certificate.checkIssued(certificate),
  );
  for (const certificate of sent) checkDates(certificate, now);
  return sent.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
}

/** Common name of whoever issued the topmost certificate: what `preferred-chain` names. Null when it cannot be read. */
export function chainIssuer(downloaded: unknown): string | null {
  try {
    const top = certificatesIn(downloaded).at(-1);
    return top === undefined
      ? null
      : (/^CN=(.*)$/m.exec(parseCertificate(top.der, CERTIFICATE).issuer)?.[1] ?? null);
  } catch {
    return null;
  }
}

/** Addresses of other chains for the same certificate (`Link: <…>;rel="alternate"`), at most ten. */
export function alternateChains(link: string | undefined, certificateUrl: string): readonly string[] {
  const links = [...(link ?? '').slice(0, 32_768).matchAll(/<([^<>]{1,2048})>\s*;\s*rel="?alternate"?/g)];
  return links.slice(0, MOST_CERTIFICATES).flatMap(([, target = '']) => {
    const url = URL.canParse(target, certificateUrl) ? httpsUrl(new URL(target, certificateUrl).href) : null;
    return url === null ? [] : [url];
  });
}

function certificatesIn(downloaded: unknown): readonly PemBlock[] {
  const text = typeof downloaded === 'string' ? downloaded : '';
  const blocks = certificatesOf(text);
  const begun = text.split('-----BEGIN').length - 1;
  if (blocks.length === 0) throw unusable('the CA sent no certificate');
  if (blocks.length !== begun)
    throw unusable('the chain is cut short or holds something else than certificates');
  if (blocks.length > MOST_CERTIFICATES)
    throw unusable(`the chain has more than ${MOST_CERTIFICATES} certificates`);
  return blocks;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function checkDates(certificate: X509Certificate, now: Instant): void {
  const hint = 'check the clock of this machine';
  const subject = plainText(certificate.subject, 100);
  const who = certificate.ca ? `the CA's certificate ${subject}` : 'the certificate';
  if (certificate.validToDate.getTime() <= now) throw unusable(`${who} has expired already`, { hint });
  if (certificate.validFromDate.getTime() > now + CLOCK_SKEW_MS) {
    throw unusable(`${who} is not valid yet`, { hint });
  }
}

function unusable(message: string, options: { hint?: string } = {}): RigilError {
  return new RigilError('certificate-unusable', message, options);
}
