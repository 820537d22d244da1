import type { Upstream } from '../../routing/route.ts';
import type { RawHeaders, RequestHead } from '../exchange.ts';
import type { Failure } from '../failure.ts';
import { NO_FIELDS } from '../raw-headers.ts';
import type { Candidate, Group } from './group.ts';
import { isAbsence, isSilence } from './server.ts';
import { stickySetCookie, stickyToken } from './sticky-cookie.ts';

/** After so long no other upstream is asked, in milliseconds: the client has waited enough. */
const LONGEST_SEARCH_MS = 10_000;

/** One request on its way through the upstreams of a route that has several. */
export class Turn {
  readonly #group: Group;
  readonly #request: RequestHead;
  readonly #begunMs: number;
  /** Whom the client was with before. */
  readonly #former: Candidate | null;
  #tried: readonly Candidate[] = NONE;
  #current: Candidate;
  /** Of the current one: since when it is asked, and how many it had answered by then. */
  #askedMs = 0;
  #answersBefore = 0;

  /** @param nowMs of `performance.now()`, as all moments here */
  constructor(group: Group, request: RequestHead, nowMs: number) {
    this.#group = group;
    this.#request = request;
    this.#begunMs = nowMs;
    this.#former = formerOf(group, request);
    const first = group.choose(nowMs, NONE, this.#former);
    if (first === null) throw new TypeError('a route has at least one upstream');
    this.#current = first;
    this.#ask(first, nowMs);
  }

  get upstream(): Upstream {
    return this.#current.upstream;
  }

  /** The upstream has answered. Returns fields for the response. */
  answered(): RawHeaders {
    const { balance, candidates } = this.#group;
    this.#current.server.answered();
    if (balance.policy !== 'sticky' || this.#current === this.#former) return NO_FIELDS;
    const token = balance.tokens[candidates.indexOf(this.#current)] ?? '';
    return ['Set-Cookie', stickySetCookie(token, this.#request.scheme)];
  }

  /** The upstream did not answer. Returns whether another one, now `upstream`, is to be asked. */
  failed({ kind, resendable }: Failure, nowMs: number): boolean {
    const { server } = this.#current;
    if (isAbsence(kind)) server.failed(nowMs);
    // Whoever answers others is well, and one page is slow.
    else if (isSilence(kind) && server.answers === this.#answersBefore) {
      server.failed(nowMs, nowMs - this.#askedMs);
    }
    if (resendable !== true || nowMs - this.#begunMs > LONGEST_SEARCH_MS) return false;
    this.#tried = [...this.#tried, this.#current];
    const next = this.#group.choose(nowMs, this.#tried, null);
    if (next === null) return false;
    server.left();
    this.#ask(next, nowMs);
    return true;
  }

  #ask(candidate: Candidate, nowMs: number): void {
    this.#current = candidate;
    this.#askedMs = nowMs;
    this.#answersBefore = candidate.server.answers;
    candidate.server.chosen(nowMs);
  }

  /** The exchange is over, however it ended. */
  over(): void {
    this.#current.server.left();
  }
}

const NONE: readonly Candidate[] = [];

function formerOf({ balance, candidates }: Group, request: RequestHead): Candidate | null {
  if (balance.policy !== 'sticky') return null;
  const token = stickyToken(request);
  const index = token === null ? -1 : balance.tokens.indexOf(token);
  return candidates[index] ?? null;
}
