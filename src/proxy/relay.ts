import type { Route, Upstream } from '../routing/route.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Answer } from './answer.ts';
import type { Balancer } from './balance/balancer.ts';
import { Turn } from './balance/turn.ts';
import type { Counters } from './counters.ts';
import { defaultPage } from './default-page.ts';
import { errorPageFor, fetchErrorPage } from './error-page.ts';
import type { Body, Exchange, RawHeaders, ResponseHead } from './exchange.ts';
import { type Failure, isClientFailure, statusOf } from './failure.ts';
import type { FailureLog } from './failure-log.ts';
import { forwardedFields, upstreamFields } from './forwarded.ts';
import { expectsGrpcStatus, grpcFailure } from './grpc-status.ts';
import { endToEnd } from './hop-by-hop.ts';
import { NO_FIELDS } from './raw-headers.ts';
import { RelayedRequest } from './relayed-request.ts';
import type { RequestTarget } from './request-target.ts';
import { switchedHeaders } from './upgrade.ts';
import { type Call, describeUpstream, type Receiver, type Upstreams } from './upstream/upstreams.ts';

/** What relaying needs besides the request. */
export interface RelayContext {
  readonly upstreams: Upstreams;
  readonly counters: Counters;
  readonly failures: FailureLog;
  readonly balancer: Balancer;
}

/** One request as it was understood, with what answers for it. */
export interface RelayJob {
  readonly exchange: Exchange;
  readonly answer: Answer;
  readonly target: RequestTarget;
  readonly route: Route;
  readonly snapshot: Snapshot;
  /** The fields that name the user, where the network knows them. Default: none. */
  readonly user?: RawHeaders;
}

/** Carries a request to one of its route's upstreams, and the response back. */
export function relay(job: RelayJob, context: RelayContext): void {
  const { route, exchange, snapshot } = job;
  const [only] = route.upstreams;
  if (only !== undefined && route.upstreams.length === 1) {
    new Relay(job, context, only, null).start();
    return;
  }
  const group = context.balancer.groupOf(route, snapshot);
  const turn = new Turn(group, exchange.request, performance.now());
  job.answer.onOver = turn.over.bind(turn);
  new Relay(job, context, turn.upstream, turn).start();
}

class Relay implements Receiver {
  readonly #job: RelayJob;
  readonly #context: RelayContext;
  /** Null where there is nothing to choose. */
  readonly #turn: Turn | null;
  #upstream: Upstream;
  #call: Call | null = null;
  /** That for an error page. */
  #pageCall: Call | null = null;
  #abandoned = false;
  #replied = false;

  constructor(job: RelayJob, context: RelayContext, upstream: Upstream, turn: Turn | null) {
    this.#job = job;
    this.#context = context;
    this.#upstream = upstream;
    this.#turn = turn;
  }

  start(): void {
    this.#job.answer.onAbandoned = this.#abandon.bind(this);
    this.#ask();
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#call?.abort();
    this.#pageCall?.abort();
  }

  #ask(): void {
    const { exchange, answer, target, snapshot, user } = this.#job;
    const { request } = exchange;
    const upstream = this.#upstream;
    answer.begin(upstream);
    const fields = upstreamFields(request, target, snapshot.settings, user);
    const sent = new RelayedRequest(upstream, request, target, fields, answer.requestBody);
    const call = this.#context.upstreams.send(sent, this);
    // It may have failed already, and another upstream been asked.
    if (upstream === this.#upstream) this.#call = call;
    if (this.#abandoned) call.abort();
  }

  inform(head: ResponseHead): void {
    this.#job.answer.inform({ ...head, headers: endToEnd(head.headers) });
  }

  respond(head: ResponseHead, body: Body): void {
    const added = this.#answered();
    // The lines of a table are end-to-end already, and become strings only when somebody asks for them.
    if (added === NO_FIELDS && head.table !== undefined) {
      this.#reply(head, body);
      return;
    }
    const { status, headers, last = false } = head;
    this.#reply({ status, headers: [...endToEnd(headers), ...added], last }, body);
  }

  upgrade(head: ResponseHead, fromUpstream: Body): Body {
    const headers = [...switchedHeaders(head.headers), ...this.#answered()];
    return this.#job.answer.upgrade({ ...head, headers }, fromUpstream, this.#job.route.headerRules);
  }

  fail(failure: Failure): void {
    const { kind } = failure;
    if (kind === 'client-gone' || this.#abandoned) return;
    if (!isClientFailure(kind)) this.#report(this.#upstream, failure);
    if (this.#replied || this.#asksAnother(failure)) return;
    const status = statusOf(kind);
    if (!isClientFailure(kind) && this.#tellsGrpc(status)) return;
    const { head, body } = defaultPage(status);
    this.#reply(isClientFailure(kind) ? { ...head, last: true } : head, body, !isClientFailure(kind));
  }

  /** Returns fields for the response. */
  #answered(): RawHeaders {
    this.#job.answer.upstreamAnswered();
    return this.#turn?.answered() ?? NO_FIELDS;
  }

  /** Whether another upstream may be asked, and is. */
  #asksAnother(failure: Failure): boolean {
    const { exchange, route } = this.#job;
    if (this.#turn?.failed(failure, performance.now()) === true) {
      this.#upstream = this.#turn.upstream;
      this.#context.counters.retried(route.label);
      this.#ask();
      return true;
    }
    if (failure.resendable === true) exchange.body.cancel();
    return false;
  }

  /** Whether the client gets the failure as gRPC has it. A page that the route has goes first. */
  #tellsGrpc(status: number): boolean {
    const { answer, exchange, route } = this.#job;
    if (!expectsGrpcStatus(exchange.request) || errorPageFor(route, status) !== null) return false;
    this.#replied = true;
    const { head, body } = grpcFailure(status);
    answer.send(head, body, route.headerRules, status);
    return true;
  }

  /** Sends a response, or the page that the route has for its status. */
  #reply(head: ResponseHead, body: Body, replaceable = true): void {
    this.#replied = true;
    const { answer, exchange, route, snapshot, target } = this.#job;
    const page = replaceable ? errorPageFor(route, head.status) : null;
    if (page === null) {
      answer.send(head, body, route.headerRules);
      return;
    }
    // Should there be no page, the head is sent after all; a table does not hold until then.
    const kept: ResponseHead = { status: head.status, headers: head.headers, last: head.last === true };
    this.#pageCall = fetchErrorPage({
      upstreams: this.#context.upstreams,
      page,
      method: exchange.request.method === 'HEAD' ? 'HEAD' : 'GET',
      path: page.path ?? target.path,
      forwarded: forwardedFields(exchange.request, target, snapshot.settings),
      onFailure: (upstream, failure) => this.#report(upstream, failure),
      done: (replacement) => {
        if (this.#abandoned) return;
        if (replacement === null) return answer.send(kept, body, route.headerRules);
        body.cancel();
        answer.send({ ...kept, headers: replacement.head.headers }, replacement.body, route.headerRules);
      },
    });
  }

  #report(upstream: Upstream, failure: Failure): void {
    const { label } = this.#job.route;
    this.#context.counters.upstreamError(label, failure.kind);
    this.#context.failures.report(label, describeUpstream(upstream), failure);
  }
}
