import type { Upstream } from '../routing/route.ts';
import type { FieldTable } from './codec/field-table.ts';
import type { Body, RawHeaders, RequestHead } from './exchange.ts';
import type { UpstreamFields } from './forwarded.ts';
import type { RequestTarget } from './request-target.ts';
import type { UpstreamRequest } from './upstream/upstreams.ts';

/** A client's request on its way to an upstream. */
export class RelayedRequest implements UpstreamRequest {
  readonly upstream: Upstream;
  readonly headers: RawHeaders;
  readonly passed: FieldTable | undefined;
  readonly told: Buffer | undefined;
  readonly body: Body;
  readonly #head: RequestHead;
  readonly #target: RequestTarget;

  constructor(
    upstream: Upstream,
    head: RequestHead,
    target: RequestTarget,
    { headers, passed, told }: UpstreamFields,
    body: Body,
  ) {
    this.upstream = upstream;
    this.headers = headers;
    this.passed = passed;
    this.told = told;
    this.body = body;
    this.#head = head;
    this.#target = target;
  }

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    return this.#target.path;
  }

  get upgrade(): string | null {
    return this.#head.upgrade;
  }
}
