import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { has } from '../test/peers.ts';

/**
 * What a request costs: rigil with one worker beside nginx, HAProxy and Caddy with one thread each, as far as they are
 * installed, with the same certificate and the same upstream. `npm run build` first, then
 * `node bench/proxy.ts [rounds] [seconds] [scenario …]`.
 *
 * The figure is requests per second of processor time (user and system) of the proxy and its children: it depends least
 * on what else the machine does. Even so only rounds that were run in turn can be compared. The proxies share
 * processor 0, wrk and the upstream have processor 1.
 */

const [roundsText = '3', secondsText = '2', ...only] = process.argv.slice(2);
const ROUNDS = Number(roundsText);
const SECONDS = Number(secondsText);
const TICKS_PER_SECOND = 100;

/** A program that is compiled while it runs is not itself before some ten thousands of requests. */
const WARM_UP_SECONDS = 8;

interface Scenario {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly headers: readonly string[];
}

const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: https://localhost/some/page?with=query',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Priority: u=0, i',
];

const SCENARIOS: readonly Scenario[] = [
  { name: '100 B, 32 connections', path: '/100', connections: 32, headers: [] },
  { name: '100 B, browser headers, 32', path: '/100', connections: 32, headers: BROWSER },
  { name: '100 B, 256 connections', path: '/100', connections: 256, headers: [] },
  { name: '100 B, browser headers, 256', path: '/100', connections: 256, headers: BROWSER },
  { name: '10 KB, 32 connections', path: '/10k', connections: 32, headers: [] },
  { name: '1 MB, 8 connections', path: '/1m', connections: 8, headers: [] },
  { name: 'new connections, 16', path: '/100', connections: 16, headers: ['Connection: close'] },
];

interface Proxy {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Round {
  readonly perCpuSecond: number;
  readonly p50: string;
  readonly p99: string;
  readonly failed: string;
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'rigil-bench-'));
const children: ChildProcess[] = [];
try {
  await main();
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map((child) => gone(child)));
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  for (const program of ['nginx', 'wrk', 'taskset']) {
    if (!has(program)) throw new Error(`this needs ${program}`);
  }
  const upstream = await startUpstream();
  const proxies = [await startRigil(upstream)];
  const certificate = await certificateOfRigil();
  proxies.push(await startNginx(upstream, certificate));
  if (has('haproxy')) proxies.push(await startHaproxy(upstream, certificate));
  if (has('caddy')) proxies.push(await startCaddy(upstream, certificate));
  const [first] = SCENARIOS;
  for (const proxy of proxies) if (first !== undefined) await load(proxy, first, WARM_UP_SECONDS);
  const scenarios = SCENARIOS.filter(
    ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
  );
  const rest = proxies.slice(1).map(({ name }) => name);
  console.log(
    `| | ${proxies.map(({ name }) => name).join(' | ')} | ${rest.map((name) => `to ${name}`).join(' | ')} |`,
  );
  console.log(`|${'---|'.repeat(1 + proxies.length + rest.length)}`);
  for (const scenario of scenarios) console.log(await compare(proxies, scenario));
  const memory = await Promise.all(proxies.map(async ({ pid }) => `${await rssMb(pid)} MB`));
  console.log(`| memory at the end | ${memory.join(' | ')} |${' |'.repeat(rest.length)}`);
}

/** All proxies in turn, round after round. */
async function compare(proxies: readonly Proxy[], scenario: Scenario): Promise<string> {
  const rounds = new Map<Proxy, Round[]>(proxies.map((proxy) => [proxy, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const proxy of proxies) rounds.get(proxy)?.push(await load(proxy, scenario, SECONDS));
  }
  const cells: string[] = [];
  const medians: number[] = [];
  for (const runs of rounds.values()) {
    const sorted = runs.toSorted((a, b) => a.perCpuSecond - b.perCpuSecond);
    const median = sorted[Math.floor(sorted.length / 2)];
    if (median === undefined) continue;
    medians.push(median.perCpuSecond);
    cells.push(`${median.perCpuSecond.toFixed(0)} (p50 ${median.p50}, p99 ${median.p99}${median.failed})`);
  }
  const [own = Number.NaN, ...others] = medians;
  const ratios = others.map((other) => (own / other).toFixed(2));
  return `| ${scenario.name} | ${cells.join(' | ')} | ${ratios.join(' | ')} |`;
}

async function load({ port, pid }: Proxy, scenario: Scenario, seconds: number): Promise<Round> {
  const before = await cpuSeconds(pid);
  const args = ['-t1', `-c${scenario.connections}`, `-d${seconds}s`, '--latency'];
  for (const header of scenario.headers) args.push('-H', header);
  const text = await output('taskset', [
    '-c',
    '1',
    'wrk',
    ...args,
    `https://localhost:${port}${scenario.path}`,
  ]);
  const spent = (await cpuSeconds(pid)) - before;
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? Number.NaN);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1];
  const errors = /Socket errors: (.*)/.exec(text)?.[1];
  return {
    perCpuSecond: requests / spent,
    p50: /50%\s+(\S+)/.exec(text)?.[1] ?? '?',
    p99: /99%\s+(\S+)/.exec(text)?.[1] ?? '?',
    failed: `${bad === undefined ? '' : `, ${bad} bad`}${errors === undefined ? '' : `, ${errors}`}`,
  };
}

async function startUpstream(): Promise<number> {
  const port = await freePort();
  const root = path.join(folder, 'www');
  await mkdir(root);
  await writeFile(path.join(root, '10k'), Buffer.alloc(10_240, 'x'));
  await writeFile(path.join(root, '1m'), Buffer.alloc(1_048_576, 'x'));
  const text = `${nginxHead('upstream')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${root};
    location = /100 { return 200 "${'x'.repeat(100)}"; }
  }
}
`;
  await run('upstream', 1, 'nginx', ['-c', await file('upstream.conf', text)], port);
  return port;
}

async function startRigil(upstream: number): Promise<Proxy> {
  const port = await freePort();
  const text = `global
  https 127.0.0.1:${port}
  http 127.0.0.1:${await freePort()}
  admin off
  workers 1
  store file ${path.join(folder, 'store')}

route localhost
  upstream 127.0.0.1:${upstream}
`;
  const project = path.dirname(import.meta.dirname);
  const args = [path.join(project, 'bin/run.js'), 'serve', '-c', await file('rigil.conf', text)];
  return await run('rigil', 0, process.execPath, args, port);
}

/** What rigil's local CA issued, for the others. */
async function certificateOfRigil(): Promise<{ chain: string; key: string; both: string }> {
  const held = path.join(folder, 'store/certs/internal/localhost/000001');
  const chain = path.join(held, 'fullchain.pem');
  const key = path.join(held, 'privkey.pem');
  const both = await file('both.pem', (await readFile(chain, 'utf8')) + (await readFile(key, 'utf8')));
  return { chain, key, both };
}

async function startNginx(upstream: number, { chain, key }: { chain: string; key: string }): Promise<Proxy> {
  const port = await freePort();
  const text = `${nginxHead('nginx')}
  upstream u { server 127.0.0.1:${upstream}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} ssl backlog=4096;
    ssl_certificate ${chain};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass http://u;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;
  return await run('nginx', 0, 'nginx', ['-c', await file('nginx.conf', text)], port);
}

async function startHaproxy(upstream: number, { both }: { both: string }): Promise<Proxy> {
  const port = await freePort();
  const text = `global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  http-reuse always
frontend f
  bind 127.0.0.1:${port} ssl crt ${both} alpn http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend b
backend b
  server s 127.0.0.1:${upstream} pool-max-conn -1
`;
  return await run('HAProxy', 0, 'haproxy', ['-f', await file('haproxy.cfg', text)], port);
}

async function startCaddy(upstream: number, { chain, key }: { chain: string; key: string }): Promise<Proxy> {
  const port = await freePort();
  const text = `{
  admin off
  auto_https off
}
https://localhost:${port} {
  tls ${chain} ${key}
  reverse_proxy 127.0.0.1:${upstream} {
    transport http {
      keepalive_idle_conns_per_host 512
    }
  }
}
`;
  const args = ['run', '--adapter', 'caddyfile', '--config', await file('Caddyfile', text)];
  return await run('Caddy', 0, 'caddy', args, port);
}

function nginxHead(name: string): string {
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/${name}.pid;
error_log ${folder}/${name}.log crit;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/${name}-body;
  proxy_temp_path ${folder}/${name}-proxy;
  fastcgi_temp_path ${folder}/${name}-f;
  uwsgi_temp_path ${folder}/${name}-u;
  scgi_temp_path ${folder}/${name}-s;`;
}

/** Starts a server on one processor and waits until it accepts. */
async function run(name: string, cpu: number, program: string, args: string[], port: number): Promise<Proxy> {
  const child = spawn('taskset', ['-c', String(cpu), program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, GOMAXPROCS: '1', HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
  });
  children.push(child);
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  for (const end = Date.now() + 30_000; Date.now() < end; await delay(50)) {
    if (child.exitCode !== null) break;
    if (await (name === 'upstream' ? accepts(port) : shakesHands(port))) {
      return { name, port, pid: child.pid ?? 0 };
    }
  }
  throw new Error(`${name} does not run:\n${said}`);
}

function accepts(port: number): Promise<boolean> {
  return opens(net.connect(port, '127.0.0.1'), 'connect');
}

function shakesHands(port: number): Promise<boolean> {
  const options = { port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false };
  return opens(tls.connect(options), 'secureConnect');
}

function opens(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (open: boolean) => {
      resolve(open);
      socket.destroy();
    };
    socket.on(event, () => settle(true));
    socket.on('error', () => settle(false));
    socket.setTimeout(1_000, () => settle(false));
  });
}

/** Of a process and all below it. */
async function cpuSeconds(pid: number): Promise<number> {
  const all = await family(pid);
  return all.reduce((sum, stat) => sum + Number(stat[11]) + Number(stat[12]), 0) / TICKS_PER_SECOND;
}

async function rssMb(pid: number): Promise<number> {
  const all = await family(pid);
  return Math.round(all.reduce((sum, stat) => sum + Number(stat[21]) * 4096, 0) / 1e6);
}

/** The fields of /proc/<pid>/stat from the third on, of a process and all below it. */
async function family(pid: number): Promise<string[][]> {
  const stats = new Map<number, string[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => null);
    if (text !== null) stats.set(Number(name), text.slice(text.lastIndexOf(')') + 2).split(' '));
  }
  const found: string[][] = [];
  const pids = [pid];
  for (const one of pids) {
    const stat = stats.get(one);
    if (stat !== undefined) found.push(stat);
    for (const [child, fields] of stats) if (Number(fields[1]) === one) pids.push(child);
  }
  return found;
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  await gone(child);
  return text;
}

function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('close', () => resolve()));
}

async function file(name: string, text: string): Promise<string> {
  const full = path.join(folder, name);
  await writeFile(full, text, { mode: 0o600 });
  return full;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
