import { createHash } from 'node:crypto';
import type { ChallengeRecord } from '../../src/dns/provider.ts';

/** A challenge as a CA and an account would make it; different seeds give different values. */
export function challengeFor(domain: string, seed = 'a'): ChallengeRecord {
  const token = createHash('sha256').update(`token ${seed}`).digest('base64url');
  const keyAuthorization = `${token}.${createHash('sha256').update('account').digest('base64url')}`;
  return {
    name: `_acme-challenge.${domain}`,
    domain,
    value: createHash('sha256').update(keyAuthorization).digest('base64url'),
    token,
    keyAuthorization,
  };
}

/** A signal that never aborts. */
export const never = new AbortController().signal;
