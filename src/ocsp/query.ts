import { type CertIdHash, certIdOf } from './cert-id.ts';
import type { OcspCertificate } from './certificate.ts';
import {
  getResponse,
  getUrl,
  type HttpBody,
  type HttpFailure,
  type HttpPorts,
  postRequest,
} from './fetch.ts';
import { problem } from './problem.ts';
import { buildRequest } from './request.ts';
import { rejected, type Verdict, verifyResponse } from './verify.ts';

/** What to ask the responders of a certificate. */
export interface Query {
  readonly certificate: OcspCertificate;
  readonly issuer: OcspCertificate;
  readonly hash: CertIdHash;
  /**
   * A nonce proves that the answer was made now; it goes by POST. Without one the request is tried by GET first, so
   * that a cache near by may answer.
   */
  readonly nonce: Uint8Array | null;
}

/** What came of it. */
export interface Answer {
  /** The responder that was asked. */
  readonly url: string;
  /** The response as it came, or null when none came. */
  readonly der: Uint8Array | null;
  readonly verdict: Verdict;
  readonly cachedUntil: number | null;
  /** When the responder wants to be asked again, or null. */
  readonly retryAt: number | null;
}

/**
 * Asks the responders that the certificate names, one after the other, until one gives an answer that can be verified;
 * whatever else a GET brings, such as a stale answer from a cache, is asked for again by POST.
 *
 * @returns that answer, else the last one, with what was wrong with it; null when the certificate names no responder
 * @throws the reason of `signal` when it aborts
 */
export async function askResponders(
  query: Query,
  ports: HttpPorts,
  signal: AbortSignal,
): Promise<Answer | null> {
  const request = buildRequest(certIdOf(query.certificate, query.issuer, query.hash), query.nonce);
  let best: Answer | null = null;
  for (const url of query.certificate.responderUrls.slice(0, MOST_RESPONDERS)) {
    const byGet = query.nonce === null ? getUrl(url, request) : null;
    const ways = [
      ...(byGet === null ? [] : [() => getResponse(byGet, ports, signal)]),
      () => postRequest(url, request, ports, signal),
    ];
    for (const ask of ways) {
      const answer = judge(url, await ask(), query, ports.clock.now());
      if (answer.verdict.verified) return answer;
      // An answer that is wrong tells more than a responder that is not there.
      if (answer.der !== null || best === null || best.der === null) best = answer;
    }
  }
  return best;
}

/** CAs name one. A certificate that names a hundred wants us to send requests to others. */
const MOST_RESPONDERS = 3;

function judge(url: string, came: HttpBody | HttpFailure, query: Query, now: number): Answer {
  if (came.kind === 'body') {
    const verdict = verifyResponse(came.body, query, now);
    return { url, der: came.body, verdict, cachedUntil: came.cachedUntil, retryAt: null };
  }
  const verdict = rejected(problem(FAILURES[came.reason], came.message));
  return { url, der: null, verdict, cachedUntil: null, retryAt: came.retryAt };
}

const FAILURES = {
  unreachable: 'responder-unreachable',
  status: 'responder-failed',
  unfit: 'answer-unreadable',
} as const satisfies Record<HttpFailure['reason'], string>;
