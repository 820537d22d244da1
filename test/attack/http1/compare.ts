import { REFUSED_BODIES } from '../../proxy/codec/http1/chunked-cases.ts';
import { REFUSED_REQUESTS } from '../../proxy/codec/http1/request-cases.ts';
import { DESYNC } from './desync-cases.ts';
import { only, type ReadRequest, readRequests } from './read-requests.ts';
import { CHUNKED, post, SMUGGLED } from './wire.ts';

/** What a client sends, and the requests that our upstream sees then; other tests hold that it does. */
export interface Known {
  readonly name: string;
  readonly sent: string;
  readonly ours: readonly ReadRequest[];
}

/** Everything that the tests in this folder send. */
export const KNOWN: readonly Known[] = [
  ...Object.entries(DESYNC).flatMap(([kind, cases]) =>
    cases.map(({ name, sent, upstream }) => ({
      name: `${kind}: ${name}`,
      sent,
      ours: readRequests(upstream).requests,
    })),
  ),
  ...REFUSED_REQUESTS.map(([name, wire]) => ({ name: `head: ${name}`, sent: wire + SMUGGLED, ours: [] })),
  ...REFUSED_BODIES.map(([name, wire]) => ({
    name: `chunks: ${name}`,
    sent: post([CHUNKED], wire) + SMUGGLED,
    ours: [],
  })),
];

/** `same`; `stricter`: we stop earlier; `looser`: we pass on what the peer does not, or as something else. */
export type Verdict = 'same' | 'stricter' | 'looser';

/** Holds what our upstream sees against what a peer's does. */
export function compare(ours: readonly ReadRequest[], theirs: readonly ReadRequest[]): Verdict {
  for (const [index, request] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined || essence(request) !== essence(other)) return 'looser';
  }
  return theirs.length > ours.length ? 'stricter' : 'same';
}

/** What a request is: whom it asks for what, with which body. */
export function essence({ method, target, fields, body }: ReadRequest): string {
  return JSON.stringify([method, target, only(fields, 'host')?.toLowerCase(), body]);
}
