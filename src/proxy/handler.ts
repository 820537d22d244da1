import { messageOf } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { Answer, type AnswerContext } from './answer.ts';
import { defaultPage, page, redirectPage } from './default-page.ts';
import type { Exchange } from './exchange.ts';
import { primaryLocation, REDIRECT_STATUS } from './redirect.ts';
import { type RelayContext, type RelayJob, relay } from './relay.ts';
import { requestTargetOf } from './request-target.ts';
import type { Identities } from './tailnet/identities.ts';

/** Answers an exchange, in one synchronous step up to the answer or the question to an upstream. */
export type Handle = (exchange: Exchange) => void;

export interface HandlerContext extends RelayContext, AnswerContext {
  /** The current snapshot. */
  readonly current: () => Snapshot;
  readonly emit: Emit;
}

/**
 * Answers requests of TLS connections: by their host to a route, from there to an upstream.
 *
 * The snapshot is read once; what changes meanwhile is for the next request. A host without a route gets 421 and
 * never an upstream.
 *
 * @param identities who is asked about the users behind the requests, if they are of interest
 */
export function createHandler(context: HandlerContext, identities: Identities | null = null): Handle {
  return answering(context, (exchange, answer) => {
    const { request } = exchange;
    if (request.method === 'CONNECT') return refuse(answer, 405);
    const target = requestTargetOf(request);
    if (target === null) return refuse(answer, 400);

    const snapshot = context.current();
    const route = snapshot.table.match(target.authority.name);
    if (route === null) return answer.sendPage(defaultPage(421));
    answer.route = route.label;

    // About the server, not about a resource behind it (RFC 9110 9.3.7).
    if (request.method === 'OPTIONS' && target.path === '*') return answer.sendPage(page(200, null, ''));
    const location = primaryLocation(target, route, request.scheme);
    if (location !== null) return answer.sendPage(redirectPage(REDIRECT_STATUS, location));
    const job = { exchange, answer, target, route, snapshot };
    if (identities === null) relay(job, context);
    else relayFor(identities, job, context);
  });
}

/** Gives each exchange its answer. A fault of ours in `respond` costs that exchange, not the worker. */
export function answering(
  context: AnswerContext & Pick<HandlerContext, 'emit'>,
  respond: (exchange: Exchange, answer: Answer) => void,
): Handle {
  return (exchange) => {
    const answer = new Answer(exchange, context);
    try {
      respond(exchange, answer);
      // Everything up to an answer or an upstream is one synchronous step. If ever it is not, this counts it.
      if (!answer.underWay) context.counters.requestWaited();
    } catch (error) {
      breakOff(error, exchange, answer, context);
    }
  };
}

/** Relays with what `identities` says of the client. Nobody else waits for that, and this one not for long. */
function relayFor(identities: Identities, job: RelayJob, context: HandlerContext): void {
  const { exchange, answer } = job;
  let isAbandoned = false;
  answer.onAbandoned = () => {
    isAbandoned = true;
  };
  answer.begin(null);
  identities.find(exchange.request.remoteAddress, (user) => {
    if (isAbandoned) return exchange.body.cancel();
    try {
      relay({ ...job, user }, context);
    } catch (error) {
      breakOff(error, exchange, answer, context);
    }
  });
}

function breakOff(
  fault: unknown,
  exchange: Exchange,
  answer: Answer,
  { emit }: Pick<HandlerContext, 'emit'>,
): void {
  const stack = fault instanceof Error ? (fault.stack ?? null) : null;
  emit({ event: 'fault', where: 'proxy', message: messageOf(fault), stack });
  answer.begin(null);
  exchange.abort();
}

/** The request cannot be understood beyond doubt, so nothing that follows on its connection can be. */
export function refuse(answer: Answer, status: number): void {
  const { head, body } = defaultPage(status);
  answer.sendPage({ head: { ...head, last: true }, body });
}
