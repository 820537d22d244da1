import type { RenewalInfo } from '../certs/ports.ts';
import type { Instant } from '../platform/clock.ts';
import { retryAfter } from '../platform/retry-after.ts';
import type { Connection } from './connection.ts';
import { AcmeProblem } from './problem.ts';
import { fields, httpsUrl, instant } from './untrusted.ts';

const SHORTEST_MS = 60_000;
const LONGEST_MS = 86_400_000;
const DEFAULT_MS = 6 * 3_600_000;

/**
 * Asks the CA when the certificate with this renewal id should be renewed (RFC 9773 4). Null when it gives no advice:
 * it does not know how, does not know the certificate, or names a window that is none.
 *
 * @throws RigilError when the CA cannot be asked now, `rate-limited` with the time to come back
 */
export async function fetchRenewalInfo(
  connection: Connection,
  ariId: string,
  signal: AbortSignal,
): Promise<RenewalInfo | null> {
  const { renewalInfo } = await connection.directory(signal);
  if (renewalInfo === null || !/^[A-Za-z0-9_-]{1,128}\.[A-Za-z0-9_-]{1,128}$/.test(ariId)) return null;
  try {
    const reply = await connection.get(`${renewalInfo.replace(/\/+$/, '')}/${ariId}`, signal);
    return readRenewalInfo(reply.data, reply.headers['retry-after'], connection.clock.now());
  } catch (error) {
    const known = error instanceof AcmeProblem && (error.status >= 500 || error.code === 'rate-limited');
    if (error instanceof AcmeProblem && !known) return null;
    throw error;
  }
}

/** A suggested window (RFC 9773 4.2 and 4.3), or null when it is malformed or does not end after it starts. */
export function readRenewalInfo(value: unknown, retry: string | undefined, now: Instant): RenewalInfo | null {
  const document = fields(value);
  const window = fields(document['suggestedWindow']);
  const start = instant(window['start']);
  const end = instant(window['end']);
  if (start === null || end === null || end <= start) return null;
  const asked = (retryAfter(retry, now) ?? now + DEFAULT_MS) - now;
  return {
    start,
    end,
    explanationUrl: httpsUrl(document['explanationURL']),
    nextFetchAt: now + Math.min(Math.max(asked, SHORTEST_MS), LONGEST_MS),
  };
}
