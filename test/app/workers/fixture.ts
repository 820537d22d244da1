import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { bindListeners, type OpenListener } from '../../../src/app/workers/listener-set.ts';
import { WorkerPool } from '../../../src/app/workers/worker-pool.ts';
import type { Event, EventName } from '../../../src/events/event.ts';
import { type Clock, systemClock } from '../../../src/platform/clock.ts';
import type { Limits } from '../../../src/proxy/protocol.ts';
import { Publisher } from '../../../src/snapshot/publisher.ts';
import { snapshotFor } from './snapshot.ts';

/** How long former workers may take in these tests. */
export const DRAIN = { requestsMs: 5_000, streamsMs: 5_000 };

export interface PoolOptions {
  readonly workers?: number;
  readonly clock?: Clock;
  readonly limits?: Limits;
  readonly upstream?: RequestListener;
  /** Instead of those of this fixture. */
  readonly listeners?: readonly OpenListener[];
}

export interface TestPool {
  readonly pool: WorkerPool;
  readonly publisher: Publisher;
  readonly listeners: readonly OpenListener[];
  readonly port: number;
  readonly plainPort: number;
  readonly events: Event[];
  named<Name extends EventName>(name: Name): Extract<Event, { event: Name }>[];
  /** One request for one.test over a new connection. */
  ask(options?: https.RequestOptions): Promise<string>;
  pids(): number[];
}

/** Real worker processes behind real sockets, with a route and a certificate for one.test. Gone after the test. */
export async function startPool(options: PoolOptions = {}): Promise<TestPool> {
  const test = await preparePool(options);
  await test.pool.run(test.listeners, options.workers ?? 2, DRAIN);
  return test;
}

/** Like {@link startPool}, with no worker started. */
export async function preparePool({
  clock = systemClock,
  limits,
  upstream = (_request, response) => response.end('ok'),
  listeners: given,
}: PoolOptions): Promise<TestPool> {
  const listeners = given ?? (await bindFreePorts());
  const publisher = new Publisher(await snapshotFor(await startUpstream(upstream)));
  const events: Event[] = [];
  const pool = new WorkerPool({
    publisher,
    clock,
    emit: (event) => events.push(event),
    ...(limits === undefined ? {} : { limits }),
  });
  onTestFinished(() => {
    pool.killAll();
    for (const listener of listeners) listener.close();
  });
  const port = portOf(listeners, 'https');
  return {
    pool,
    publisher,
    listeners,
    port,
    plainPort: portOf(listeners, 'http'),
    events,
    named: <Name extends EventName>(name: Name) =>
      events.filter((event): event is Extract<Event, { event: Name }> => event.event === name),
    ask: (more = {}) => ask(port, more),
    pids: () => pool.status().map(({ pid }) => pid),
  };
}

export async function bindFreePorts(): Promise<OpenListener[]> {
  const address = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  return bindListeners({ https: [address], http: [address] });
}

export function portOf(listeners: readonly OpenListener[], role: 'http' | 'https'): number {
  return listeners.find((listener) => listener.role === role)?.port ?? 0;
}

/** One request for one.test over a new connection: its body. */
export function ask(port: number, more: https.RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      servername: 'one.test',
      rejectUnauthorized: false,
      agent: false,
      headers: { host: 'one.test', connection: 'close' },
      ...more,
    };
    const request = https.get(options, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('error', reject);
      response.on('end', () => resolve(body));
    });
    request.on('error', reject);
  });
}

/** Asks again and again, `width` at a time, until `stop` says so; the outcomes by name: `ok`, or the error's code. */
export async function load(
  port: number,
  width: number,
  stop: () => boolean,
): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (!stop()) {
        const outcome = await ask(port).catch((error: NodeJS.ErrnoException) => error.code ?? String(error));
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    }),
  );
  return outcomes;
}

/** An upstream on a free port. */
export async function startUpstream(listener: RequestListener): Promise<number> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
