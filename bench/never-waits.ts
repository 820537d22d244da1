/**
 * What certificate work costs those who are being served: the times of requests and of new handshakes while nothing
 * else happens, and while certificates are obtained from a slow CA and the configuration is reloaded, in alternating
 * slices of one run. For rigil, and for Caddy with its own ACME client at the same CA.
 *
 *     npm run build && node bench/never-waits.ts [rounds]
 *
 * One worker on the first core; control process, CA, upstream and load on the second, where load and upstream have
 * precedence: otherwise it would be them that wait, who in truth are other machines. Caddy, being one process, has the
 * first core for everything. The yardstick is a server that does nothing else, on the second core: what differs there
 * between the slices, the machine did. Caddy gets a grace period: without one its reload waits for downloads that never
 * end.
 */
import { execFile, fork, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createCsr } from '../src/x509/csr.ts';
import { generatePrivateKey } from '../src/x509/private-key.ts';
import { freePorts, startDaemon } from '../test/e2e/daemon.ts';
import { storeDueCertificates } from '../test/e2e/never-waits/due-certificates.ts';
import {
  durationsOf,
  type Load,
  quantile,
  type SampleKind,
  type Slice,
  startLoad,
} from '../test/e2e/never-waits/load.ts';
import { startSlowCa } from '../test/e2e/never-waits/slow-ca.ts';
import { find } from '../test/peers.ts';

const run = promisify(execFile);

const ROUNDS = Number(process.argv[2] ?? 5);
const SLICE_MS = 4_000;
/** Both sides are compiled while they run. */
const WARM_UP_MS = 10_000;
/** After each slice, for what it began to end. */
const SETTLE_MS = 1_500;
const CA_DELAY_MS = 1_500;
const NEW_NAMES = 14;
const NAMES = Array.from({ length: 4 }, (_, index) => `site-${index}.example.org`);
const RATES = { handshakesPerS: 60, requestsPerS: 150, messagesPerS: 5, downloads: 2 };
const [SERVING_CORE, OTHER_CORE] = [0, 1];
const canPin = availableParallelism() >= 2 && find('taskset') !== null;

/** A proxy that serves {@link NAMES}, and more names when it is told. */
interface Subject extends AsyncDisposable {
  readonly port: number;
  /** Reloads, with these names besides. */
  serve(more: readonly string[]): Promise<void>;
  /** How many certificates it has obtained. */
  obtained(): number;
}

type SliceName = 'warm-up' | 'idle' | 'work' | 'settling';

await using ca = await startSlowCa(CA_DELAY_MS);
await using upstream = await forkUpstream();
await pin(process.pid, OTHER_CORE);
await pin(upstream.pid, OTHER_CORE);
console.log(
  `${ROUNDS} rounds of ${SLICE_MS} ms idle and ${SLICE_MS} ms in which ${NEW_NAMES} certificates are obtained; ` +
    `${RATES.handshakesPerS} handshakes/s and ${RATES.requestsPerS} requests/s; ${canPin ? 'pinned' : 'not pinned'}\n`,
);
// Whoever has precedence is started before this process, of which children inherit it, gives its own up.
await using rigil = await prepare(startRigil);
await using caddy = find('caddy') === null ? null : await prepare(startCaddy);
await yieldToOthers(process.pid);
report('rigil', await measure(rigil), rigil.subject.obtained());
if (caddy === null) console.log('caddy: not installed (Debian: apt install caddy)');
else report('caddy', await measure(caddy), caddy.subject.obtained());

interface Prepared extends AsyncDisposable {
  readonly subject: Subject;
  readonly load: Load<SliceName>;
}

async function prepare(start: () => Promise<Subject>): Promise<Prepared> {
  const subject = await start();
  const load = await startLoad<SliceName>({
    ...RATES,
    port: subject.port,
    roots: [ca.state.authority.root],
  });
  await pin(load.pid, OTHER_CORE);
  return {
    subject,
    load,
    async [Symbol.asyncDispose]() {
      await load[Symbol.asyncDispose]();
      await subject[Symbol.asyncDispose]();
    },
  };
}

async function measure({ subject, load }: Prepared): Promise<Readonly<Record<'idle' | 'work', Slice>>> {
  await load.begin('warm-up', NAMES);
  await delay(WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    await load.begin('idle', NAMES);
    await delay(SLICE_MS);
    await load.begin('work', NAMES);
    await subject.serve(Array.from({ length: NEW_NAMES }, (_, index) => `new-${round}-${index}.example.org`));
    await delay(SLICE_MS);
    await load.begin('settling', NAMES);
    await subject.serve([]);
    await delay(SETTLE_MS);
  }
  return await load.stop();
}

function report(
  name: string,
  { idle, work }: Readonly<Record<'idle' | 'work', Slice>>,
  obtained: number,
): void {
  console.log(`${name}: ${obtained} certificates obtained meanwhile`);
  console.log('  milliseconds            count      p50      p99    p99.9      max');
  for (const kind of ['request', 'handshake', 'yardstick'] satisfies SampleKind[]) {
    const rows = [idle, work].map((slice) => durationsOf(slice, kind));
    const figures = rows.map((sorted) => [0.5, 0.99, 0.999, 1].map((share) => quantile(sorted, share)));
    for (const [index, when] of ['idle', 'work'].entries()) {
      const cells = figures[index]?.map((ms) => ms.toFixed(2).padStart(9)).join('') ?? '';
      console.log(
        `  ${kind.padEnd(10)} ${when.padEnd(6)} ${String(rows[index]?.length).padStart(9)}${cells}`,
      );
    }
    const ratios = figures[1]?.map((ms, index) => (ms / (figures[0]?.[index] ?? 1)).toFixed(2).padStart(9));
    console.log(`  ${kind.padEnd(10)} work/idle       ${ratios?.join('')}`);
  }
  for (const [when, { samples }] of Object.entries({ idle, 'under work': work })) {
    const failed = samples.filter(({ error }) => error !== null);
    const reasons = new Set(failed.map(({ kind, error }) => `${kind}: ${error}`));
    console.log(`  failed ${when}: ${[failed.length, ...reasons].join('; ')}`);
  }
  console.log();
}

async function startRigil(): Promise<Subject> {
  const route = (host: string) => `route ${host}\n  upstream ${upstream.address}\n`;
  const configuration = (more: readonly string[]) =>
    `issuer slow\n  type acme\n  directory ${ca.directory}\n  ca-root ${ca.caRoot}\n${[...NAMES, ...more].map(route).join('')}`;
  const daemon = await startDaemon(configuration([]), {
    workers: 1,
    prepare: async (store) => {
      const certificates = NAMES.map((host) => [host]);
      await storeDueCertificates(store, 'slow', ca.state.authority, certificates);
    },
  });
  await pin(daemon.child.pid ?? 0, OTHER_CORE);
  for (const { pid } of (await daemon.status()).workers) await pin(pid, SERVING_CORE);
  for (const host of NAMES) await daemon.event('certificate.renew.finished', (line) => line['id'] === host);
  await yieldToOthers(daemon.child.pid ?? 0);
  return {
    port: daemon.ports.https,
    serve: async (more) => {
      daemon.configure(configuration(more));
      await daemon.reload();
    },
    obtained: () => daemon.events().filter(({ event }) => event === 'certificate.obtain.finished').length,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

async function startCaddy(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'rigil-bench-caddy-'));
  const [https = 0, http = 0, admin = 0] = await freePorts(3);
  const file = join(folder, 'Caddyfile');
  const held = await Promise.all(NAMES.map((host) => certificateFiles(folder, host)));
  const site = (host: string, tls: string) => `https://${host}:${https} {
  ${tls}
  reverse_proxy ${upstream.address}
}
`;
  const write = (more: readonly string[]) =>
    writeFile(
      file,
      `{
  admin 127.0.0.1:${admin}
  http_port ${http}
  https_port ${https}
  storage file_system ${folder}
  default_bind 127.0.0.1
  acme_ca ${ca.directory}
  acme_ca_root ${ca.caRoot}
  email bench@example.org
  grace_period 500ms
}
${NAMES.map((host, index) => site(host, `tls ${held[index]}`)).join('')}${more.map((host) => site(host, '')).join('')}`,
    );
  await write([]);
  let said = '';
  const child = spawn('caddy', ['run', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.on('data', (text) => {
    said += text;
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let tries = 0; !said.includes('serving initial configuration'); tries++) {
    if (tries > 200) throw new Error(`caddy does not start: ${said}`);
    await delay(50);
  }
  await pin(child.pid ?? 0, SERVING_CORE);
  return {
    port: https,
    serve: async (more) => {
      await write(more);
      await run('caddy', ['reload', '--config', file, '--address', `127.0.0.1:${admin}`]);
    },
    obtained: () => said.split('certificate obtained successfully').length - 1,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** A certificate that is held from the beginning: its two files, as `tls` of a Caddyfile takes them. */
async function certificateFiles(folder: string, host: string): Promise<string> {
  const key = await generatePrivateKey('p256');
  const request = await createCsr({ names: [host], key, mustStaple: false });
  const [certFile, keyFile] = [join(folder, `${host}.pem`), join(folder, `${host}.key`)];
  await writeFile(certFile, await ca.state.authority.issue(request));
  await writeFile(keyFile, key);
  return `${certFile} ${keyFile}`;
}

/** All threads of a process onto one core. */
async function pin(pid: number, core: number): Promise<void> {
  if (canPin) await run('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
}

/** Everything that this process has in hand yields to the others on its core. */
async function yieldToOthers(pid: number): Promise<void> {
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
  }
}

async function forkUpstream(): Promise<{ readonly address: string; readonly pid: number } & AsyncDisposable> {
  const file = join(import.meta.dirname, '../test/e2e/never-waits/slow-upstream-process.ts');
  const child = fork(file, { execArgv: ['--no-warnings'] });
  const address = await new Promise<string>((resolve) => child.once('message', (text) => resolve(`${text}`)));
  return { address, pid: child.pid ?? 0, [Symbol.asyncDispose]: async () => child.disconnect() };
}
