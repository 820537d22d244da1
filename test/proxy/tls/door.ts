import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { Counters } from '../../../src/proxy/counters.ts';
import { Sweep } from '../../../src/proxy/sweep.ts';
import { FrontDoor } from '../../../src/proxy/tls/front-door.ts';
import { TlsServers } from '../../../src/proxy/tls/servers.ts';
import type { Route } from '../../../src/routing/route.ts';
import { RoutingTable } from '../../../src/routing/table.ts';
import {
  type ChallengeAnswer,
  emptySnapshot,
  type ServedCertificate,
  type Snapshot,
} from '../../../src/snapshot/snapshot.ts';

export interface DoorOptions {
  /** Each is the name of a route and the id of its certificate. */
  readonly names?: readonly string[];
  /** Which of the names is the fallback. */
  readonly fallback?: string;
  readonly certificates?: readonly ServedCertificate[];
  readonly challenges?: Readonly<Record<string, ChallengeAnswer>>;
  readonly ticketKeys?: Uint8Array;
  readonly timeoutMs?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Keeps connections open instead of hanging up. */
  readonly stay?: boolean;
}

export interface TestDoor {
  readonly port: number;
  readonly door: FrontDoor;
  readonly counters: Counters;
  readonly events: readonly Event[];
  /** Connections whose handshake is done; each is told the name and protocol, and is closed. */
  readonly served: readonly tls.TLSSocket[];
  publish(change: (snapshot: Snapshot) => Snapshot): void;
}

/** A front door on a port of its own, gone when the test is over. Behind it somebody says who came and hangs up. */
export async function startDoor(options: DoorOptions): Promise<TestDoor> {
  let snapshot = snapshotOf(options);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const events: Event[] = [];
  const served: tls.TLSSocket[] = [];
  const counters = new Counters();
  const servers = new TlsServers({
    handshakeTimeoutMs: timeoutMs,
    onSecure: (socket) => {
      served.push(socket);
      socket.on('error', () => {});
      socket.resume();
      const farewell = `${socket.servername || '-'} ${socket.alpnProtocol || '-'}\n`;
      if (options.stay === true) socket.write(farewell);
      else socket.end(farewell);
    },
  });
  const door = new FrontDoor({
    current: () => snapshot,
    servers,
    counters,
    emit: (event) => events.push(event),
    clock: systemClock,
    sweep: new Sweep(timeoutMs),
    helloTimeoutMs: timeoutMs,
  });
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    door.accept(socket);
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    door,
    counters,
    events,
    served,
    publish: (change) => {
      snapshot = change(snapshot);
    },
  };
}

function snapshotOf({
  names = [],
  fallback,
  certificates = [],
  challenges = {},
  ticketKeys,
}: DoorOptions): Snapshot {
  const routes = names.map((name) => routeOf(name));
  return {
    ...emptySnapshot,
    table: new RoutingTable(routes, fallback === undefined ? null : names.indexOf(fallback)),
    certificates: new Map(certificates.map((certificate) => [certificate.id, certificate])),
    challenges: new Map(Object.entries(challenges)),
    ticketKeys: ticketKeys ?? emptySnapshot.ticketKeys,
  };
}

function routeOf(name: string): Route {
  return {
    label: name,
    primary: name,
    names: [name],
    certificate: name,
    upstreams: [{ scheme: 'http', host: '127.0.0.1', port: 1 }],
    errorPages: [],
    headerRules: [],
    redirectToPrimary: false,
  };
}

/** What a client saw: the certificate's subject, the protocol, what was said; or the error's code. */
export interface Visit {
  readonly error: string | null;
  readonly subject: string | null;
  readonly said: string;
  readonly resumed: boolean;
  readonly session: Buffer | null;
}

/** Connects with TLS, reads to the end. Never rejects. */
export function visit(port: number, options: tls.ConnectionOptions): Promise<Visit> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    let said = '';
    let error: string | null = null;
    let subject: string | null = null;
    let session: Buffer | null = null;
    let resumed = false;
    socket.on('secureConnect', () => {
      subject = String(socket.getPeerCertificate().subject?.CN ?? '');
      resumed = socket.isSessionReused();
    });
    socket.on('session', (data) => {
      session = data;
    });
    socket.on('data', (data) => {
      said += data;
    });
    socket.on('error', (failure: NodeJS.ErrnoException) => {
      error = failure.code ?? String(failure);
    });
    socket.on('close', () => resolve({ error, subject, said, resumed, session }));
  });
}

/** Sends bytes over TCP and resolves with all that comes back until the other side hangs up. */
export function talk(
  port: number,
  pieces: readonly (Buffer | string)[],
  host = '127.0.0.1',
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host, noDelay: true }, () => void sendAll());
    const received: Buffer[] = [];
    async function sendAll() {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        await new Promise<void>((sent) => socket.write(piece, () => setImmediate(sent)));
      }
    }
    socket.on('data', (data: Buffer) => received.push(data));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(received)));
  });
}

/** The first flight of a real TLS client. */
export function clientHello(options: tls.ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data: Buffer) => {
        resolve(data);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const client = tls.connect({
        port: (server.address() as AddressInfo).port,
        host: '127.0.0.1',
        ...options,
      });
      client.on('error', () => {});
    });
  });
}

/** The alert record with this description. */
export function alert(description: number): Buffer {
  return Buffer.from([0x15, 3, 1, 0, 2, 2, description]);
}
