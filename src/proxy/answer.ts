import type { Clock } from '../platform/clock.ts';
import type { HeaderRule, Upstream } from '../routing/route.ts';
import type { AccessLog } from './access-log/access-log.ts';
import type { AccessRecord } from './access-log/record.ts';
import { FIELD } from './codec/field-kind.ts';
import type { FieldTable } from './codec/field-table.ts';
import { type Counters, NO_ROUTE } from './counters.ts';
import type { Page } from './default-page.ts';
import type { Body, Exchange, RawHeaders, ResponseHead } from './exchange.ts';
import { applyHeaderRules, applyHeaderRulesTo } from './header-rules.ts';
import { httpDate } from './http-date.ts';
import { fieldValue, NO_FIELDS } from './raw-headers.ts';
import { TableHead } from './table-head.ts';

export interface AnswerContext {
  readonly counters: Counters;
  readonly clock: Clock;
  /** Null where requests are never logged. */
  readonly accessLog: AccessLog | null;
}

/**
 * The one answer to an exchange, wherever it comes from: dated, put through the header rules, counted, timed and
 * logged.
 */
export class Answer {
  /** Label of the route that answers. */
  route = NO_ROUTE;
  /** Called when the client left before its answer was complete. */
  onAbandoned: () => void = ignore;
  /** Called when nothing more of it can be sent, complete or not. */
  onOver: () => void = ignore;
  readonly #exchange: Exchange;
  readonly #context: AnswerContext;
  /** Null when this one is not logged. */
  readonly #record: AccessRecord | null;
  readonly #startedMs = performance.now();
  #underWay = false;
  /** That of the final response. */
  #status: number | null = null;
  #timed = false;

  constructor(exchange: Exchange, context: AnswerContext) {
    this.#exchange = exchange;
    this.#context = context;
    this.#record = context.accessLog?.begin(exchange.request) ?? null;
    // Bound, and no closure: docs/decisions/0020.
    exchange.onClose = this.#closed.bind(this);
  }

  /** Whether an upstream has been asked, or the answer has begun. */
  get underWay(): boolean {
    return this.#underWay;
  }

  /** It is under way: an upstream is asked. */
  begin(upstream: Upstream | null): void {
    this.#underWay = true;
    if (upstream !== null) this.#record?.asked(upstream);
  }

  /** The upstream has answered. */
  upstreamAnswered(): void {
    this.#record?.answered();
  }

  /** The request's body, for whoever lets it flow. */
  get requestBody(): Body {
    const { body } = this.#exchange;
    return this.#record?.received(body) ?? body;
  }

  inform(head: ResponseHead): void {
    if (this.#status === null) this.#exchange.inform(head);
  }

  /**
   * The final response.
   *
   * @param counted the status for log and metrics, where that of the head says less
   */
  send(head: ResponseHead, body: Body, rules: readonly HeaderRule[] = [], counted = head.status): void {
    const sent = this.#record?.sent(body) ?? body;
    const { table, status, last } = head;
    if (table !== undefined) {
      this.#begin(counted);
      this.#exchange.respond(this.#finishTable(head, table, rules), sent);
      return;
    }
    this.#begin(counted);
    this.#exchange.respond({ status, headers: this.#finish(head, rules), last: last === true }, sent);
  }

  /** The final response is one of our own, and the request's body is of no interest. */
  sendPage({ head, body }: Page, rules: readonly HeaderRule[] = []): void {
    this.#exchange.body.cancel();
    this.send(head, body, rules);
  }

  /** The final response is 101. */
  upgrade(head: ResponseHead, fromUpstream: Body, rules: readonly HeaderRule[]): Body {
    this.#begin(head.status);
    const headers = this.#finish(head, rules);
    // What follows is no request any more: its length says nothing about how fast an upstream answers.
    this.#time();
    const sent = this.#record?.sent(fromUpstream) ?? fromUpstream;
    const fromClient = this.#exchange.upgrade({ ...head, headers }, sent);
    return this.#record?.received(fromClient) ?? fromClient;
  }

  #begin(status: number): void {
    this.#underWay = true;
    this.#count(status);
  }

  #finish(head: ResponseHead, rules: readonly HeaderRule[]): RawHeaders {
    const dated =
      fieldValue(head.headers, 'date') === null ? [...head.headers, ...this.#date()] : head.headers;
    return applyHeaderRules(dated, rules);
  }

  #finishTable(head: ResponseHead, table: FieldTable, rules: readonly HeaderRule[]): ResponseHead {
    const dated = table.find(FIELD.date) >= 0;
    if (dated && rules.length === 0) return head;
    const { status, added = NO_FIELDS, last } = head;
    const before = dated ? added : [...added, ...this.#date()];
    return new TableHead(status, table, applyHeaderRulesTo(table, before, rules), last);
  }

  #date(): RawHeaders {
    return ['Date', httpDate(this.#context.clock.now())];
  }

  #closed(complete: boolean): void {
    const status = this.#status ?? this.#count(499);
    this.#time();
    if (this.#record !== null) {
      this.#context.accessLog?.finish(this.#record, status, this.route, complete);
    }
    if (!complete) this.onAbandoned();
    this.onOver();
  }

  #count(status: number): number {
    this.#status = status;
    this.#context.counters.response(this.route, status);
    return status;
  }

  #time(): void {
    if (this.#timed) return;
    this.#timed = true;
    this.#context.counters.duration(this.route, performance.now() - this.#startedMs);
  }
}

function ignore(): void {}
