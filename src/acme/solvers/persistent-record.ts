import { createHash } from 'node:crypto';
import type { Instant } from '../../platform/clock.ts';
import type { ProvingAccount } from './solver.ts';

/** Whom a record permits to get certificates for what. */
export interface PersistentSubject {
  /** Without `*.`. */
  readonly domain: string;
  readonly wildcard: boolean;
  /** Domain names that stand for the CA; the first one is shown. */
  readonly issuers: readonly string[];
  readonly account: Pick<ProvingAccount, 'url' | 'thumbprint' | 'hashPrefix'>;
}

/**
 * The TXT record that permits `subject` for ever: `letsencrypt.org; accounturi=…; policy=wildcard`. With the hashed
 * account of draft-ietf-acme-dns-persist-02 when the CA has a prefix for it, else with the account's URL (-00, -01).
 */
export function persistentRecord(subject: PersistentSubject): {
  readonly name: string;
  readonly value: string;
} {
  const { domain, wildcard, issuers } = subject;
  const parts = [issuers[0] ?? '', `accounturi=${accountUri(subject, domain)}`];
  if (wildcard) parts.push('policy=wildcard');
  return { name: `_validation-persist.${domain}`, value: parts.join('; ') };
}

/** Whether a TXT value permits `subject` at `now`. Malformed ones, and ones for other CAs, do not. */
export function permits(value: string, subject: PersistentSubject, now: Instant): boolean {
  const [issuer = '', ...rest] = value.split(';').map((part) => part.trim());
  if (!subject.issuers.includes(issuer.toLowerCase())) return false;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const [tag = '', content] = splitOnce(part, '=');
    const name = tag.trim().toLowerCase();
    if (name === '' || content === undefined || parameters.has(name)) return false;
    parameters.set(name, content.trim());
  }
  const accounts = [accountUri(subject, subject.domain), accountUri(subject, '*')];
  if (!accounts.includes(parameters.get('accounturi') ?? '')) return false;
  if (subject.wildcard && parameters.get('policy')?.toLowerCase() !== 'wildcard') return false;
  const until = parameters.get('persistuntil');
  return until === undefined || (/^\d{1,12}$/.test(until) && Number(until) * 1000 > now);
}

/** @param scope the domain, or `*` for a value that may be used at any */
function accountUri({ account }: PersistentSubject, scope: string): string {
  const { hashPrefix, thumbprint, url } = account;
  if (hashPrefix === null) return url;
  const digest = createHash('sha256')
    .update(Buffer.from([scope.length]))
    .update(`${scope}${thumbprint}${url}`)
    .digest('base64url');
  return `${hashPrefix}sha-256/${digest}`;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
