import type { Snapshot } from '../snapshot/snapshot.ts';
import { page, redirectPage } from './default-page.ts';
import { answering, type Handle, type HandlerContext, refuse } from './handler.ts';
import { httpsLocation, REDIRECT_STATUS } from './redirect.ts';
import { type RequestTarget, requestTargetOf } from './request-target.ts';

/**
 * Answers requests of plain listeners: challenges of http-01 first, everything else with a redirect to https.
 *
 * A token that nobody put up is redirected like any path, not refused: CAs follow redirects (RFC 8555 8.3), so another
 * ACME client behind an upstream goes on working, and whoever debugs sees the answer of the site itself.
 */
export function createPlainHandler(
  context: Pick<HandlerContext, 'current' | 'counters' | 'clock' | 'accessLog' | 'emit'>,
): Handle {
  return answering(context, ({ request }, answer) => {
    if (request.method === 'CONNECT') return refuse(answer, 405);
    const target = requestTargetOf(request);
    if (target === null) return refuse(answer, 400);

    const snapshot = context.current();
    const challenge = challengeAnswer(target, snapshot);
    if (challenge !== null && (request.method === 'GET' || request.method === 'HEAD')) {
      return answer.sendPage(page(200, 'application/octet-stream', challenge));
    }
    answer.route = snapshot.table.match(target.authority.name)?.label ?? answer.route;
    if (target.path === '*') return answer.sendPage(page(200, null, ''));
    const location = httpsLocation(target, snapshot.settings.httpsPort);
    answer.sendPage(redirectPage(REDIRECT_STATUS, location));
  });
}

const CHALLENGE = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]+)(?:\?.*)?$/;

function challengeAnswer({ path }: RequestTarget, { challenges }: Snapshot): string | null {
  const token = CHALLENGE.exec(path)?.[1];
  const answer = token === undefined ? undefined : challenges.get(`http-01:${token}`);
  return answer?.type === 'http-01' ? answer.body : null;
}
