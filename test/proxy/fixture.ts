import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { AccessLog } from '../../src/proxy/access-log/access-log.ts';
import type { LineSink } from '../../src/proxy/access-log/line-queue.ts';
import { Counters } from '../../src/proxy/counters.ts';
import { defaultLimits, type Limits } from '../../src/proxy/protocol.ts';
import { createServing, type Serving } from '../../src/proxy/serving.ts';
import type { Route, Upstream } from '../../src/routing/route.ts';
import { RoutingTable } from '../../src/routing/table.ts';
import {
  type ChallengeAnswer,
  emptySnapshot,
  type ServingSettings,
  type Snapshot,
} from '../../src/snapshot/snapshot.ts';
import { testCertificate } from './certificate.ts';

export interface ProxyOptions {
  readonly routes: readonly Route[];
  /** Index of the fallback in `routes`. */
  readonly fallback?: number;
  readonly settings?: Partial<ServingSettings>;
  readonly limits?: Partial<Limits>;
  readonly challenges?: Readonly<Record<string, ChallengeAnswer>>;
  /** Keeps an access log in json, and is told its lines. */
  readonly onAccessLine?: (line: string) => void;
}

export interface TestProxy {
  /** Of the TLS listener on 127.0.0.1. */
  readonly port: number;
  readonly plainPort: number;
  readonly serving: Serving;
  readonly counters: Counters;
  readonly events: readonly Event[];
  /** Our ends of the connections of clients, since the start. */
  readonly sockets: ReadonlySet<net.Socket>;
  /** Puts another snapshot into force. */
  publish(change: (snapshot: Snapshot) => Snapshot): void;
}

/** A data path behind a small TLS server and a small plain one, gone when the test is over. */
export async function startProxy(options: ProxyOptions): Promise<TestProxy> {
  const { cert, key } = await testCertificate();
  let snapshot: Snapshot = {
    ...emptySnapshot,
    generation: 1,
    table: new RoutingTable(options.routes, options.fallback ?? null),
    settings: {
      trustedProxies: [],
      httpsPort: null,
      accessLog: { format: 'json', file: null },
      ...options.settings,
    },
    challenges: new Map(Object.entries(options.challenges ?? {})),
  };
  const events: Event[] = [];
  const counters = new Counters();
  const { onAccessLine } = options;
  const accessLog =
    onAccessLine === undefined ? null : logInMemory({ current: () => snapshot, counters, onAccessLine });
  const serving = createServing({
    accessLog,
    current: () => snapshot,
    limits: { ...defaultLimits, ...options.limits },
    counters,
    emit: (event) => events.push(event),
  });
  const sockets = new Set<net.Socket>();
  const secure = tls.createServer({ cert, key, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    sockets.add(socket);
    serving.acceptSecure(socket);
  });
  const plain = net.createServer((socket) => {
    sockets.add(socket);
    serving.acceptPlain(socket);
  });
  const port = await listen(secure);
  const plainPort = await listen(plain);
  onTestFinished(() => {
    secure.close();
    plain.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port,
    plainPort,
    serving,
    counters,
    events,
    sockets,
    publish: (change) => {
      snapshot = change(snapshot);
    },
  };
}

function logInMemory({
  current,
  counters,
  onAccessLine,
}: {
  readonly current: () => Snapshot;
  readonly counters: Counters;
  readonly onAccessLine: (line: string) => void;
}): AccessLog {
  const sink: LineSink = {
    async write(lines) {
      for (const line of lines.toString('latin1').split('\n').slice(0, -1)) onAccessLine(line);
    },
    reopen: async () => {},
    close: async () => {},
  };
  const log = new AccessLog({ current, openSink: () => sink, counters, clock: systemClock, emit: () => {} });
  log.configure();
  return log;
}

/** A route for example.test, unless told otherwise. */
export function route(upstreams: Upstream | readonly Upstream[], more: Partial<Route> = {}): Route {
  const names = more.names ?? ['example.test'];
  return {
    label: names[0] ?? '',
    primary: names[0] ?? '',
    names,
    certificate: 'test',
    upstreams: Array.isArray(upstreams) ? upstreams : [upstreams],
    errorPages: [],
    headerRules: [],
    redirectToPrimary: false,
    ...more,
  };
}

/** Makes a server listen on a free port of 127.0.0.1. */
export function listen(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Resolves as soon as `condition` holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
