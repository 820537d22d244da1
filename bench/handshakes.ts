import { fork } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { systemClock } from '../src/platform/clock.ts';
import { Counters } from '../src/proxy/counters.ts';
import { Sweep } from '../src/proxy/sweep.ts';
import { FrontDoor } from '../src/proxy/tls/front-door.ts';
import { TlsServers } from '../src/proxy/tls/servers.ts';
import { RoutingTable } from '../src/routing/table.ts';
import { emptySnapshot, type ServedCertificate } from '../src/snapshot/snapshot.ts';
import { testAuthority } from '../test/proxy/tls/authority.ts';

/**
 * CPU time of a server for a handshake, three ways to find the certificate: `node bench/handshakes.ts`.
 *
 * `one certificate` finds none at all: the floor. `SNICallback` is Node's own way, `front door` ours. The ways take
 * turns in processes of their own, so that what else the machine does hits all.
 */

const WAYS = ['one certificate', 'SNICallback', 'front door'] as const;
const ROUNDS = 9;
const HANDSHAKES = 300;
const NAME = 'bench.test';

if (process.argv[2] === undefined) await main();
else await serve(process.argv[2], JSON.parse(process.env['BENCH'] ?? '{}'));

async function main(): Promise<void> {
  const certificate = await (await testAuthority()).issue([NAME]);
  const servers = await Promise.all(
    WAYS.map(async (way) => {
      const env = { ...process.env, BENCH: JSON.stringify(certificate) };
      const child = fork(import.meta.filename, [way], { env });
      const [port] = (await once(child, 'message')) as [number];
      return { way, process: child, port, micros: [] as number[] };
    }),
  );
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const server of servers) {
      const before = await cpuMicros(server.process);
      for (let count = 0; count < HANDSHAKES; count++) await shake(server.port);
      if (round > 0) server.micros.push(((await cpuMicros(server.process)) - before) / HANDSHAKES);
    }
  }
  console.log('| | CPU time a connection, median (smallest) |\n|---|---|');
  for (const { way, micros, process: child } of servers) {
    const sorted = micros.toSorted((a, b) => a - b);
    console.log(`| ${way} | ${sorted[ROUNDS >> 1]?.toFixed(0)} µs (${sorted[0]?.toFixed(0)} µs) |`);
    child.kill();
  }
}

async function cpuMicros(server: ReturnType<typeof fork>): Promise<number> {
  server.send('cpu');
  const [micros] = (await once(server, 'message')) as [number];
  return micros;
}

function shake(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: NAME, rejectUnauthorized: false });
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

async function serve(way: string, certificate: ServedCertificate): Promise<void> {
  const done = (socket: tls.TLSSocket) => {
    socket.on('error', () => {});
    socket.resume();
    socket.end();
  };
  const { chain: cert, key } = certificate;
  const options = { cert, key, ALPNProtocols: ['h2', 'http/1.1'] };
  let server: net.Server;
  if (way === 'front door') {
    const servers = new TlsServers({ handshakeTimeoutMs: 10_000, onSecure: done });
    const route = { label: NAME, primary: NAME, names: [NAME], certificate: NAME };
    const rest = { upstreams: [], errorPages: [], headerRules: [], redirectToPrimary: false };
    const snapshot = {
      ...emptySnapshot,
      table: new RoutingTable([{ ...route, ...rest }]),
      certificates: new Map([[NAME, certificate]]),
    };
    const door = new FrontDoor({
      current: () => snapshot,
      servers,
      counters: new Counters(),
      emit: () => {},
      clock: systemClock,
      sweep: new Sweep(10_000),
      helloTimeoutMs: 10_000,
    });
    server = net.createServer((socket) => door.accept(socket));
  } else if (way === 'SNICallback') {
    const context = tls.createSecureContext({ cert, key });
    server = tls.createServer({ ...options, SNICallback: (_name, found) => found(null, context) }, done);
  } else {
    server = tls.createServer(options, done);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.send?.((server.address() as AddressInfo).port);
}
