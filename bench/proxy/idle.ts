import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Opening, withConnections } from '../../test/attack/starvation/held-connections.ts';
import { has } from '../../test/peers.ts';
import { cleanUp, freePort, residentBytes, run, type Started, stop } from './processes.ts';
import { certificateOf, startCaddy, startHaproxy, startNginx, startRigilWith } from './proxies.ts';
import { startUpstream } from './upstream.ts';

/**
 * What connections cost that are open and do nothing: rigil with one worker, nginx, HAProxy and Caddy with one thread,
 * and a program of ten lines on Node's TLS sockets. Each connection has had one answer to a browser's request.
 * `npm run build` first, then `node bench/proxy/idle.ts [connections] [part of a contender's or scenario's name …]`.
 *
 * A worker takes half as many as it has descriptors (`ulimit -n`): what more would cost is told by what one costs.
 */

const [countText = '9000', ...only] = process.argv.slice(2);
const COUNT = Number(countText);
const MIB = 2 ** 20;

/** Garbage has time to be collected, and memory to be given back. */
const REST_MS = 10_000;
/** What the first handshakes bring into memory is not the connections'. */
const WARM_UP = 300;

const SCENARIOS: readonly (Omit<Opening, 'port'> & { readonly name: string })[] = [
  { name: 'HTTP/1.1, X25519', groups: 'X25519' },
  { name: 'HTTP/1.1, ML-KEM', groups: 'X25519MLKEM768:X25519' },
  { name: 'HTTP/2, X25519', groups: 'X25519', protocol: 'h2' },
];

try {
  await main();
} finally {
  await cleanUp();
}

async function main(): Promise<void> {
  const upstream = await startUpstream();
  const first = await startRigilWith('p256', upstream);
  const certificate = await certificateOf('p256');
  await stop(first);
  const ecdsa = async (contender: Promise<{ readonly ecdsa: Started }>) => (await contender).ecdsa;
  const contenders: readonly (readonly [string, () => Promise<Started>])[] = [
    ['rigil', () => startRigilWith('p256', upstream)],
    ['rigil, 4 workers', () => startRigilWith('p256', upstream, 4)],
    ['Node alone', () => startBare(certificate)],
    ['nginx', () => ecdsa(startNginx(upstream, certificate, certificate))],
    ['HAProxy', () => ecdsa(startHaproxy(upstream, certificate, certificate))],
    ['Caddy', () => ecdsa(startCaddy(upstream, certificate, certificate))],
  ];
  console.log('| connections | server | before | with them | each | 20 000 would take |');
  console.log('|---|---|---|---|---|---|');
  for (const { name: scenario, ...opening } of SCENARIOS) {
    for (const [name, start] of contenders) {
      if (only.length > 0 && !only.some((part) => `${scenario} ${name}.`.includes(part))) continue;
      if (!has(name.toLowerCase()) && ['nginx', 'HAProxy', 'Caddy'].includes(name)) continue;
      if (name === 'Node alone' && opening.protocol === 'h2') continue;
      console.log(`| ${COUNT} of ${scenario} | ${name} | ${await measure(await start(), opening)} |`);
    }
  }
}

async function measure(server: Started, wish: Omit<Opening, 'port'>): Promise<string> {
  const opening = { ...wish, port: server.port, host: 'localhost' };
  await withConnections(WARM_UP, opening, async () => {});
  await delay(REST_MS);
  const before = await residentBytes(server.pid);
  const after = await withConnections(COUNT, opening, async () => {
    await delay(REST_MS);
    return await residentBytes(server.pid);
  });
  await stop(server);
  const each = (after - before) / COUNT;
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`;
  return `${mib(before)} | ${mib(after)} | ${(each / 1024).toFixed(1)} KiB | ${mib(before + 20_000 * each)}`;
}

async function startBare({ chain, key }: { readonly chain: string; readonly key: string }): Promise<Started> {
  const port = await freePort();
  const program = path.join(import.meta.dirname, 'bare-server.ts');
  const args = ['--no-warnings', program, String(port), chain, key];
  return await run('Node alone', 0, process.execPath, args, port, true);
}
