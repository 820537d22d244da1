import type { Clock } from '../platform/clock.ts';
import type { HeaderRule } from '../routing/route.ts';
import { FIELD } from './codec/field-kind.ts';
import { type Counters, NO_ROUTE } from './counters.ts';
import type { Page } from './default-page.ts';
import type { Body, Exchange, RawHeaders, ResponseHead } from './exchange.ts';
import { applyHeaderRules } from './header-rules.ts';
import { httpDate } from './http-date.ts';
import { fieldValue } from './raw-headers.ts';
import { TableHead } from './table-head.ts';

/** The one answer to an exchange, wherever it comes from: dated, put through the header rules, counted and timed. */
export class Answer {
  /** Label of the route that answers. */
  route = NO_ROUTE;
  /** Called when the client left before its answer was complete. */
  onAbandoned: () => void = () => {};
  readonly #exchange: Exchange;
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #startedMs = performance.now();
  #underWay = false;
  #answered = false;
  #timed = false;

  constructor(exchange: Exchange, counters: Counters, clock: Clock) {
    this.#exchange = exchange;
    this.#counters = counters;
    this.#clock = clock;
    exchange.onClose = (complete) => this.#closed(complete);
    // Everything up to an answer or an upstream is one synchronous step. If ever it is not, this counts it.
    queueMicrotask(() => {
      if (!this.#underWay) counters.requestWaited();
    });
  }

  /** An upstream has been asked. */
  begin(): void {
    this.#underWay = true;
  }

  inform(head: ResponseHead): void {
    if (!this.#answered) this.#exchange.inform(head);
  }

  /** The final response. */
  send(head: ResponseHead, body: Body, rules: readonly HeaderRule[] = []): void {
    const { table, status, last } = head;
    if (table !== undefined && rules.length === 0) {
      this.#begin(status);
      const added = table.find(FIELD.date) < 0 ? ['Date', httpDate(this.#clock.now())] : NONE;
      this.#exchange.respond(new TableHead(status, table, added, last), body);
      return;
    }
    this.#exchange.respond({ status, headers: this.#finish(head, rules), last: last === true }, body);
  }

  /** The final response is one of our own, and the request's body is of no interest. */
  sendPage({ head, body }: Page, rules: readonly HeaderRule[] = []): void {
    this.#exchange.body.cancel();
    this.send(head, body, rules);
  }

  /** The final response is 101. */
  upgrade(head: ResponseHead, fromUpstream: Body, rules: readonly HeaderRule[]): Body {
    const headers = this.#finish(head, rules);
    // What follows is no request any more: its length says nothing about how fast an upstream answers.
    this.#time();
    return this.#exchange.upgrade({ ...head, headers }, fromUpstream);
  }

  #begin(status: number): void {
    this.#underWay = true;
    this.#answered = true;
    this.#counters.response(this.route, status);
  }

  #finish(head: ResponseHead, rules: readonly HeaderRule[]): RawHeaders {
    this.#begin(head.status);
    const dated =
      fieldValue(head.headers, 'date') === null
        ? [...head.headers, 'Date', httpDate(this.#clock.now())]
        : head.headers;
    return applyHeaderRules(dated, rules);
  }

  #closed(complete: boolean): void {
    if (!this.#answered) {
      this.#answered = true;
      this.#counters.response(this.route, 499);
    }
    this.#time();
    if (!complete) this.onAbandoned();
  }

  #time(): void {
    if (this.#timed) return;
    this.#timed = true;
    this.#counters.duration(this.route, performance.now() - this.#startedMs);
  }
}

const NONE: RawHeaders = [];
