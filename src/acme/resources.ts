import { RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import { canonicalIp, isIpAddress } from '../x509/ip-address.ts';
import { type Problem, readProblem } from './problem.ts';
import { entries, fields, httpsUrl, instant, plainText } from './untrusted.ts';

/** What a certificate is for, as ACME names it (RFC 8555 9.7.7, RFC 8738). */
export interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** RFC 8555 7.1.3. */
export interface AcmeOrder {
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | null;
  /** When the CA forgets it; null where it does not say. */
  readonly expires: Instant | null;
  readonly error: Problem | null;
}

/** RFC 8555 7.1.4. */
export interface Authorization {
  readonly url: string;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  /** As it was ordered: with `*.` for a wildcard. */
  readonly name: string;
  readonly challenges: readonly Challenge[];
}

/** RFC 8555 8. Types that nobody here knows are kept: they are named when none fits. */
export interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly status: string;
  /** Not checked yet: newer types have none. */
  readonly token: unknown;
  readonly error: Problem | null;
  /** All of it, for what only one type has. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export function identifierOf(name: string): Identifier {
  return isIpAddress(name) ? { type: 'ip', value: canonicalIp(name) } : { type: 'dns', value: name };
}

/** @throws RigilError `issuer-answer-invalid` */
export function readOrder(value: unknown): AcmeOrder {
  const order = fields(value);
  const finalize = httpsUrl(order['finalize']);
  const status = oneOf(order['status'], ['pending', 'ready', 'processing', 'valid', 'invalid']);
  if (finalize === null || status === null) throw malformed('order');
  return {
    status,
    finalize,
    authorizations: urls(order['authorizations']),
    certificate: httpsUrl(order['certificate']),
    expires: instant(order['expires']),
    error: problemOf(order['error']),
  };
}

/** @throws RigilError `issuer-answer-invalid` */
export function readAuthorization(value: unknown, url: string): Authorization {
  const authorization = fields(value);
  const identifier = fields(authorization['identifier']);
  const status = oneOf(authorization['status'], [
    'pending',
    'valid',
    'invalid',
    'deactivated',
    'expired',
    'revoked',
  ]);
  const name = plainText(identifier['value'], 255).toLowerCase();
  if (status === null || name === '') throw malformed('authorization');
  return {
    url,
    status,
    name: authorization['wildcard'] === true ? `*.${name}` : isIpAddress(name) ? canonicalIp(name) : name,
    challenges: entries(authorization['challenges'], 50).flatMap(readChallenge),
  };
}

function readChallenge(value: unknown): Challenge[] {
  const raw = fields(value);
  const url = httpsUrl(raw['url']);
  if (url === null) return [];
  return [
    {
      type: plainText(raw['type'], 64),
      url,
      status: plainText(raw['status'], 32),
      token: raw['token'],
      error: problemOf(raw['error']),
      raw,
    },
  ];
}

function problemOf(value: unknown): Problem | null {
  return value === undefined || value === null ? null : readProblem(value);
}

/** At most as many as a CA puts into one certificate, and then some. */
function urls(value: unknown): readonly string[] {
  return entries(value, 200).map((entry) => {
    const url = httpsUrl(entry);
    if (url === null) throw malformed('order');
    return url;
  });
}

function oneOf<const Known extends string>(value: unknown, known: readonly Known[]): Known | null {
  return known.find((each) => each === value) ?? null;
}

function malformed(what: string): RigilError {
  return new RigilError('issuer-answer-invalid', `the CA sent something that is not an ACME ${what}`);
}
