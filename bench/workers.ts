import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { bind } from '../src/platform/bind.ts';
import { testAuthority } from '../test/proxy/tls/authority.ts';

/**
 * Two ways for worker processes to share a port, and what each costs: `node bench/workers.ts`.
 *
 * `shared`: one socket, bound by this process and inherited by all workers. `reuseport`: a socket for each worker
 * (SO_REUSEPORT), among which the kernel distributes. Every connection does a TLS handshake, reads one line, closes.
 */

const WAYS = ['shared', 'reuseport'] as const;
type Way = (typeof WAYS)[number];

const WORKERS = 2;
const ROUNDS = 7;
const CLIENTS = 16;
const ROUND_MS = 2_000;
const WAITING = 100;
const LISTENER_FD = 4;

interface Team {
  readonly port: number;
  readonly workers: readonly ChildProcess[];
  /** What each worker has done. */
  figures(): Promise<WorkerFigures[]>;
  end(): void;
}

interface WorkerFigures {
  readonly connections: number;
  readonly cpuMs: number;
}

if (process.argv[2] === 'worker') runWorker();
else await main();

async function main(): Promise<void> {
  console.log('| | new connections a CPU-second of the workers | share of the busier worker | failed |');
  console.log('|---|---|---|---|');
  for (const row of await interleaved(throughput)) console.log(row);
  console.log('\n| | answered | refused or reset | after |');
  console.log('|---|---|---|---|');
  for (const way of WAYS) console.log(await killUnderLoad(way));
  for (const way of WAYS) console.log(await waitingConnections(way, 'killed (SIGKILL)'));
  for (const way of WAYS) console.log(await waitingConnections(way, 'told to close its listener'));
}

/** Each way in turn, so that what else the machine does hits both. */
async function interleaved(measure: (way: Way) => Promise<{ rate: number; share: number; failed: number }>) {
  const results = new Map<Way, Awaited<ReturnType<typeof measure>>[]>(WAYS.map((way) => [way, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of WAYS) results.get(way)?.push(await measure(way));
  }
  return [...results].map(([way, rounds]) => {
    const rates = rounds.map((round) => round.rate).toSorted((a, b) => a - b);
    const spread = [rates[ROUNDS >> 1], rates[0], rates.at(-1)].map((rate) => rate?.toFixed(0));
    const share = rounds.reduce((sum, round) => sum + round.share, 0) / ROUNDS;
    const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
    return `| ${way} | ${spread[0]} (${spread[1]} to ${spread[2]}) | ${(share * 100).toFixed(0)} % | ${failed} |`;
  });
}

async function throughput(way: Way) {
  const team = await start(way);
  const before = cpuMsOf(await team.figures());
  const startedAt = performance.now();
  const { failed } = await load(team.port, () => performance.now() - startedAt > ROUND_MS);
  const figures = await team.figures();
  team.end();
  const counts = figures.map(({ connections }) => connections);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { rate: (total * 1000) / (cpuMsOf(figures) - before), share: Math.max(...counts) / total, failed };
}

function cpuMsOf(figures: readonly WorkerFigures[]): number {
  return figures.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** One of the workers is killed while clients come and go. */
async function killUnderLoad(way: Way): Promise<string> {
  const team = await start(way);
  let done = false;
  const outcome = load(team.port, () => done);
  await delay(500);
  team.workers[0]?.kill('SIGKILL');
  await delay(1_500);
  done = true;
  const { answered, failed } = await outcome;
  team.end();
  return `| ${way} | ${answered} | ${failed} | a worker was killed under load (${CLIENTS} connections at a time) |`;
}

/** Connections wait in the queue of a worker that is busy (stopped) when it ends. */
async function waitingConnections(way: Way, what: string): Promise<string> {
  const team = await start(way);
  const [busy] = team.workers;
  // In the shared case both are busy, or the other would take everything at once and nobody would wait.
  for (const worker of team.workers) worker.kill('SIGSTOP');
  const visits = Array.from({ length: WAITING }, () => visit(team.port));
  await delay(300);
  if (what.startsWith('killed')) busy?.kill('SIGKILL');
  else busy?.send('close');
  for (const worker of team.workers) worker.kill('SIGCONT');
  const outcomes = await Promise.all(visits);
  team.end();
  const answered = outcomes.filter(Boolean).length;
  return `| ${way} | ${answered} | ${outcomes.length - answered} | ${WAITING} connections waited, one worker of ${WORKERS} was ${what} |`;
}

async function start(way: Way): Promise<Team> {
  const { issue } = await testAuthority();
  const { chain, key } = await issue(['bench.test']);
  const socket = await bind({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const port = socket.port ?? 0;
  if (way === 'reuseport') socket.close();
  const workers = Array.from({ length: WORKERS }, () => {
    const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', 'ipc'];
    return fork(import.meta.filename, ['worker'], {
      stdio: way === 'shared' ? [...stdio, socket.fd] : stdio,
      env: { ...process.env, BENCH: JSON.stringify({ way, port, chain, key }) },
    });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  return {
    port,
    workers,
    figures: () =>
      Promise.all(
        workers.map(async (worker) => {
          worker.send('figures');
          const [figures] = (await once(worker, 'message')) as [WorkerFigures];
          return figures;
        }),
      ),
    end: () => {
      for (const worker of workers) worker.kill('SIGKILL');
      if (way === 'shared') socket.close();
    },
  };
}

async function load(port: number, stop: () => boolean): Promise<{ answered: number; failed: number }> {
  let answered = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!stop()) {
        if (await visit(port)) answered++;
        else failed++;
      }
    }),
  );
  return { answered, failed };
}

/** Whether a new connection is answered. */
function visit(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername: 'bench.test',
      rejectUnauthorized: false,
    });
    let answered = false;
    socket.on('data', () => {
      answered = true;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answered));
  });
}

function runWorker(): void {
  const { way, port, chain, key } = JSON.parse(process.env['BENCH'] ?? '{}');
  let connections = 0;
  const secure = tls.createServer({ cert: chain, key }, (socket) => {
    socket.on('error', () => {});
    socket.resume();
    socket.end('ok\n');
  });
  const server = net.createServer((socket) => {
    connections++;
    secure.emit('connection', socket);
  });
  process.on('message', (message) => {
    if (message !== 'figures') {
      server.close();
      return;
    }
    const { user, system } = process.cpuUsage();
    process.send?.({ connections, cpuMs: (user + system) / 1000 } satisfies WorkerFigures);
  });
  const listening = () => process.send?.('ready');
  if (way === 'shared') server.listen({ fd: LISTENER_FD }, listening);
  else server.listen({ port, host: '127.0.0.1', reusePort: true }, listening);
}
