import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { Balancer } from '../../src/proxy/balance/balancer.ts';
import { emptyBody } from '../../src/proxy/body.ts';
import { Counters } from '../../src/proxy/counters.ts';
import type { Body, Exchange, RequestHead } from '../../src/proxy/exchange.ts';
import { FailureLog } from '../../src/proxy/failure-log.ts';
import { createHandler } from '../../src/proxy/handler.ts';
import type { Upstreams } from '../../src/proxy/upstream/upstreams.ts';
import { RoutingTable } from '../../src/routing/table.ts';
import { emptySnapshot } from '../../src/snapshot/snapshot.ts';
import { route } from './fixture.ts';

setFlagsFromString('--expose-gc');
const gc: (options: { type: 'minor'; execution: 'sync' }) => void = runInNewContext('gc');

/** An upstream that answers at once. */
const upstreams: Upstreams = {
  send(_request, receiver) {
    receiver.respond({ status: 200, headers: ['Date', 'now'] }, emptyBody);
    return { abort: () => {} };
  },
  close: () => {},
};

const REQUEST = {
  method: 'GET',
  scheme: 'https',
  protocol: 'HTTP/2',
  target: '/',
  headers: [],
  upgrade: null,
  remoteAddress: '192.0.2.1',
} as const;

/** An exchange with a client that takes every answer. */
class TestExchange implements Exchange {
  readonly request: RequestHead;
  readonly body = emptyBody;
  status = 0;
  onClose: (complete: boolean) => void = () => {};

  constructor(authority: string) {
    this.request = { ...REQUEST, authority };
  }

  inform(): void {}
  abort(): void {}
  upgrade(): Body {
    return emptyBody;
  }

  respond({ status }: { readonly status: number }): void {
    this.status = status;
    this.onClose(true);
  }
}

/** See docs/decisions/0020. The code of a test is new, and so not optimized, which is when it matters. */
it('a collection of the young generation frees what requests leave behind', async () => {
  const upstream = { scheme: 'http', host: '127.0.0.1', port: 1 } as const;
  const snapshot = {
    ...emptySnapshot,
    table: new RoutingTable([route([upstream]), route([upstream, upstream], { names: ['two.test'] })]),
  };
  const handle = createHandler({
    current: () => snapshot,
    upstreams,
    counters: new Counters(),
    failures: new FailureLog(() => {}, systemClock),
    clock: systemClock,
    balancer: new Balancer(systemRandom),
    emit: () => {},
    accessLog: null,
  });
  const exchanges: WeakRef<TestExchange>[] = [];
  const answer = (authority: string) => {
    const exchange = new TestExchange(authority);
    handle(exchange);
    expect(exchange.status).toBe(200);
    exchanges.push(new WeakRef(exchange));
  };
  for (let count = 0; count < 50; count += 1) answer(count % 2 === 0 ? 'example.test' : 'two.test');
  for (let round = 0; round < 2; round += 1) {
    // What a WeakRef was made for lives until the end of its turn.
    await sleep(20);
    gc({ type: 'minor', execution: 'sync' });
  }
  await sleep(20);
  expect(exchanges.filter((exchange) => exchange.deref() !== undefined).length).toBeLessThan(5);
});
