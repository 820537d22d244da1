import type { Random } from '../platform/random.ts';
import type { Route, Upstream } from '../routing/route.ts';
import type { ServingSettings } from '../snapshot/snapshot.ts';
import type { Answer } from './answer.ts';
import type { Counters } from './counters.ts';
import { defaultPage } from './default-page.ts';
import { errorPageFor, fetchErrorPage } from './error-page.ts';
import type { Body, Exchange, ResponseHead } from './exchange.ts';
import { type Failure, isClientFailure, statusOf } from './failure.ts';
import type { FailureLog } from './failure-log.ts';
import { forwardedFields, upstreamFields } from './forwarded.ts';
import { endToEnd } from './hop-by-hop.ts';
import type { RequestTarget } from './request-target.ts';
import { switchedHeaders } from './upgrade.ts';
import { type Call, describeUpstream, type Receiver, type Upstreams } from './upstream/upstreams.ts';

/** What relaying needs besides the request. */
export interface RelayContext {
  readonly upstreams: Upstreams;
  readonly counters: Counters;
  readonly failures: FailureLog;
  readonly random: Random;
}

/** One request as it was understood, with what answers for it. */
export interface RelayJob {
  readonly exchange: Exchange;
  readonly answer: Answer;
  readonly target: RequestTarget;
  readonly route: Route;
  readonly settings: ServingSettings;
}

/** Carries a request to one of its route's upstreams, and the response back. */
export function relay(job: RelayJob, context: RelayContext): void {
  const upstream = pick(job.route.upstreams, context.random);
  new Relay(job, context, upstream).start();
}

class Relay implements Receiver {
  readonly #job: RelayJob;
  readonly #context: RelayContext;
  readonly #upstream: Upstream;
  /** The upstream's, then perhaps the error page's. */
  readonly #calls: Call[] = [];
  #abandoned = false;
  #replied = false;

  constructor(job: RelayJob, context: RelayContext, upstream: Upstream) {
    this.#job = job;
    this.#context = context;
    this.#upstream = upstream;
  }

  start(): void {
    const { exchange, answer, target, settings } = this.#job;
    const { request } = exchange;
    answer.onAbandoned = () => {
      this.#abandoned = true;
      for (const call of this.#calls) call.abort();
    };
    answer.begin(this.#upstream);
    const sent = {
      upstream: this.#upstream,
      method: request.method,
      path: target.path,
      ...upstreamFields(request, target, settings),
      body: answer.requestBody,
      upgrade: request.upgrade,
    };
    this.#calls.push(this.#context.upstreams.send(sent, this));
  }

  inform(head: ResponseHead): void {
    this.#job.answer.inform({ ...head, headers: endToEnd(head.headers) });
  }

  respond(head: ResponseHead, body: Body): void {
    this.#job.answer.upstreamAnswered();
    // The lines of a table are end-to-end already.
    this.#reply(head.table === undefined ? { ...head, headers: endToEnd(head.headers) } : head, body);
  }

  upgrade(head: ResponseHead, fromUpstream: Body): Body {
    this.#job.answer.upstreamAnswered();
    const headers = switchedHeaders(head.headers);
    return this.#job.answer.upgrade({ ...head, headers }, fromUpstream, this.#job.route.headerRules);
  }

  fail(failure: Failure): void {
    const { kind } = failure;
    if (kind === 'client-gone' || this.#abandoned) return;
    if (!isClientFailure(kind)) this.#report(this.#upstream, failure);
    if (this.#replied) return;
    const { head, body } = defaultPage(statusOf(kind));
    this.#reply(isClientFailure(kind) ? { ...head, last: true } : head, body, !isClientFailure(kind));
  }

  /** Sends a response, or the page that the route has for its status. */
  #reply(head: ResponseHead, body: Body, replaceable = true): void {
    this.#replied = true;
    const { answer, exchange, route, settings, target } = this.#job;
    const page = replaceable ? errorPageFor(route, head.status) : null;
    if (page === null) {
      answer.send(head, body, route.headerRules);
      return;
    }
    // Should there be no page, the head is sent after all; a table does not hold until then.
    const kept: ResponseHead = { status: head.status, headers: head.headers, last: head.last === true };
    const call = fetchErrorPage({
      upstreams: this.#context.upstreams,
      page,
      method: exchange.request.method === 'HEAD' ? 'HEAD' : 'GET',
      path: page.path ?? target.path,
      forwarded: forwardedFields(exchange.request, target, settings),
      onFailure: (upstream, failure) => this.#report(upstream, failure),
      done: (replacement) => {
        if (this.#abandoned) return;
        if (replacement === null) return answer.send(kept, body, route.headerRules);
        body.cancel();
        answer.send({ ...kept, headers: replacement.head.headers }, replacement.body, route.headerRules);
      },
    });
    this.#calls.push(call);
  }

  #report(upstream: Upstream, failure: Failure): void {
    const { label } = this.#job.route;
    this.#context.counters.upstreamError(label, failure.kind);
    this.#context.failures.report(label, describeUpstream(upstream), failure);
  }
}

/** Each with the same probability. */
function pick(upstreams: readonly Upstream[], random: Random): Upstream {
  const index = upstreams.length > 1 ? Math.floor(random.fraction() * upstreams.length) : 0;
  const upstream = upstreams[index] ?? upstreams[0];
  if (upstream === undefined) throw new TypeError('a route has at least one upstream');
  return upstream;
}
