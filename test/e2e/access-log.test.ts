import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type Daemon, eventually, rigil, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { echoed, openWebSocket } from './web-socket.ts';

interface Entry {
  readonly time: string;
  readonly target: string;
  readonly status: number;
  readonly [field: string]: unknown;
}

let upstream: Upstream;
const folders: string[] = [];

beforeAll(async () => {
  upstream = await startUpstream('one', (request, response) => {
    if (request.url === '/never') return;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.end(`${bytes} bytes`));
  });
});
afterAll(async () => {
  await upstream?.[Symbol.asyncDispose]();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A folder for logs, outside of the daemon's own. */
function logFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-access-'));
  folders.push(folder);
  return folder;
}

const routes = () => `route one.localhost
  upstream ${upstream.address}
`;

const start = (accessLog: string) => startDaemon(routes(), { global: `  access-log ${accessLog}` });

function curl(daemon: Daemon, path: string, ...args: string[]) {
  const { https } = daemon.ports;
  const resolve = `one.localhost:${https}:127.0.0.1`;
  const common = ['-sS', '--max-time', '20', '--path-as-is', '--cacert', daemon.root, '--resolve', resolve];
  return runProgram('curl', [...common, ...args, `https://one.localhost:${https}${path}`]);
}

/** One request over a connection of its own; resolves with the status. */
function ask(daemon: Daemon, path: string): Promise<number> {
  return new Promise((done, failed) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port: daemon.ports.https,
      servername: 'one.localhost',
      rejectUnauthorized: false,
      agent: false,
      path,
      headers: { host: 'one.localhost' },
    });
    request.on('error', failed);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode ?? 0));
    });
    request.end();
  });
}

const linesOf = (path: string) =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
const entriesOf = (path: string) => linesOf(path).map((line) => JSON.parse(line) as Entry);
const entry = (path: string, target: string) =>
  eventually(
    `an entry for ${target}`,
    () => entriesOf(path).find((found) => found.target === target),
    () => linesOf(path).join('\n'),
  );

describe.skipIf(!has('curl'))('the access log', () => {
  it('tells of every request in json, over HTTP/1.1, HTTP/2 and WebSockets', async () => {
    const path = join(logFolder(), 'access.log');
    await using daemon = await start(path);
    const secrets = ['-H', 'Authorization: Bearer secret', '-H', 'Cookie: secret=1'];
    await curl(daemon, '/one?q=%20"', '--http1.1', '-A', 'a"b\\c', '-e', 'https://me:pw@r.test/', ...secrets);
    await curl(daemon, '/two', '--http2', '--data-binary', 'x'.repeat(1000));
    await curl(daemon, '/other', '-H', 'Host: other.localhost');
    await runProgram('curl', [
      '-sS',
      '-H',
      'Host: one.localhost',
      `http://127.0.0.1:${daemon.ports.http}/plain`,
    ]);
    const left = await curl(daemon, '/never', '--max-time', '0.5');
    expect(left.code).not.toBe(0);
    const socket = await openWebSocket(daemon, 'one.localhost');
    await echoed(socket, 'x'.repeat(500));
    expect(entriesOf(path).some(({ status }) => status === 101)).toBe(false);
    socket.close();

    const host = `one.localhost:${daemon.ports.https}`;
    const common = { remoteAddress: '127.0.0.1', peerAddress: '127.0.0.1', scheme: 'https' };
    const proxied = { ...common, route: 'one.localhost', upstream: `http://${upstream.address}` };
    expect(await entry(path, '/one?q=%20"')).toMatchObject({
      ...proxied,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      host,
      method: 'GET',
      protocol: 'HTTP/1.1',
      status: 200,
      complete: true,
      bytesSent: '0 bytes'.length,
      bytesReceived: 0,
      durationMs: expect.any(Number),
      upstreamMs: expect.any(Number),
      userAgent: 'a"b\\c',
      referer: 'https://r.test/',
    });
    expect(await entry(path, '/two')).toMatchObject({
      ...proxied,
      host,
      method: 'POST',
      protocol: 'HTTP/2',
      status: 200,
      bytesSent: '1000 bytes'.length,
      bytesReceived: 1000,
    });
    const unproxied = { route: null, upstream: null, upstreamMs: null };
    expect(await entry(path, '/other')).toMatchObject({ ...common, ...unproxied, status: 421 });
    expect(await entry(path, '/plain')).toMatchObject({
      scheme: 'http',
      status: 308,
      route: 'one.localhost',
      upstream: null,
    });
    expect(await entry(path, '/never')).toMatchObject({
      ...proxied,
      status: 499,
      complete: false,
      bytesSent: 0,
    });
    const upgraded = await entry(path, '/');
    expect(upgraded).toMatchObject({ ...proxied, status: 101, protocol: 'HTTP/1.1' });
    expect(upgraded['bytesSent']).toBeGreaterThan(500);
    expect(upgraded['bytesReceived']).toBeGreaterThan(500);
    expect(readFileSync(path, 'utf8')).not.toMatch(/secret|pw/);
  });

  it('is in the Common Log Format when that is wanted, and complete at the end', async () => {
    const path = join(logFolder(), 'access.log');
    await using daemon = await start(`${path} common`);
    await curl(daemon, '/one', '--http1.1');
    await curl(daemon, '/two', '--http2', '-X', 'PUT');
    await curl(daemon, '/three', '-I');
    expect(await daemon.stop()).toBe(0);
    const dated = /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] (.+)$/;
    // Two workers write, each at its time.
    const lines = linesOf(path).map((line) => dated.exec(line)?.[1]);
    expect(lines.sort()).toEqual([
      '"GET /one HTTP/1.1" 200 7',
      '"HEAD /three HTTP/2" 200 -',
      '"PUT /two HTTP/2" 200 7',
    ]);
  });

  it('goes to standard output, where nothing else is', async () => {
    await using daemon = await start('stdout');
    let out = '';
    daemon.child.stdout?.on('data', (data) => {
      out += data;
    });
    await curl(daemon, '/out');
    await eventually('the line', () => out.includes('"target":"/out"') || undefined);
    expect(await daemon.stop()).toBe(0);
    for (const line of out.split('\n').slice(0, -1)) expect(JSON.parse(line)).toHaveProperty('target');
  });

  it('loses nothing when it is rotated with mv and SIGUSR1', async () => {
    const path = join(logFolder(), 'access.log');
    await using daemon = await start(path);
    let asked = 0;
    let over = false;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!over) {
          asked += 1;
          expect(await ask(daemon, `/${asked}`)).toBe(200);
        }
      }),
    );
    for (let turn = 1; turn <= 3; turn++) {
      await delay(300);
      renameSync(path, `${path}.${turn}`);
      daemon.child.kill('SIGUSR1');
      await eventually('both workers to have reopened it', () => {
        const { length } = daemon.events().filter(({ event }) => event === 'access-log.reopened');
        return length === 2 * turn || undefined;
      });
      const before = linesOf(`${path}.${turn}`).length;
      await eventually('lines in the new file', () => linesOf(path).length > 0 || undefined);
      expect(linesOf(`${path}.${turn}`)).toHaveLength(before);
    }
    over = true;
    await load;
    expect(await daemon.stop()).toBe(0);
    const targets = [path, `${path}.1`, `${path}.2`, `${path}.3`]
      .flatMap(entriesOf)
      .map(({ target }) => target);
    expect(new Set(targets).size).toBe(targets.length);
    expect(targets).toHaveLength(asked);
  });

  it('goes on into the former file when no new one can be had, and says so', async () => {
    const folder = logFolder();
    const path = join(folder, 'logs', 'access.log');
    mkdirSync(join(folder, 'logs'));
    await using daemon = await start(path);
    await curl(daemon, '/before');
    renameSync(join(folder, 'logs'), join(folder, 'old'));
    daemon.child.kill('SIGUSR1');
    await daemon.event('access-log.failed');
    await curl(daemon, '/after');
    await entry(join(folder, 'old', 'access.log'), '/after');
  });

  it('never holds up serving: a FIFO that nobody reads, then somebody does', async () => {
    const path = join(logFolder(), 'fifo');
    execFileSync('mkfifo', [path]);
    await using daemon = await start(path);
    for (let n = 0; n < 50; n++) expect(await ask(daemon, `/${n}?${'x'.repeat(4000)}`)).toBe(200);
    const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
    let read = '';
    reader.stdout.on('data', (data) => {
      read += data;
    });
    await ask(daemon, '/seen');
    await eventually('the last line', () => read.includes('"/seen"') || undefined);
    reader.kill();
    for (const line of read.split('\n').slice(0, -1)) expect(JSON.parse(line)).toMatchObject({ status: 200 });
  });

  it('loses lines when nobody reads them for long, tells and counts them, and serving goes on', async () => {
    const fifo = join(logFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    await using daemon = await start(fifo);
    const long = 'x'.repeat(1_000);
    const loads = Array.from({ length: 4 }, () =>
      runProgram('curl', [
        ...['-sS', '--http2', '--cacert', daemon.root, '--max-time', '60', '-o', '/dev/null'],
        ...['--resolve', `one.localhost:${daemon.ports.https}:127.0.0.1`, '-w', '%{http_code}\n', '-A', long],
        `https://one.localhost:${daemon.ports.https}/[1-200]?${'y'.repeat(4_000)}`,
      ]),
    );
    for (const { stdout } of await Promise.all(loads)) expect(stdout.trim()).toMatch(/^(200\n?)+$/);
    const told = await daemon.event('access-log.dropped');
    expect(told['lines']).toBeGreaterThan(0);
    const counted = /^rigil_access_log_dropped_total (\d+)$/m.exec(await daemon.metrics())?.[1];
    expect(Number(counted)).toBeGreaterThan(0);
    expect(daemon.events().filter(({ event }) => event === 'access-log.dropped')).toHaveLength(1);
    expect(await daemon.stop()).toBe(0);
  });

  it('is switched on, moved and off by reloads, without new workers', async () => {
    const folder = logFolder();
    const [first, second] = [join(folder, 'first.log'), join(folder, 'second.log')];
    await using daemon = await start('off');
    const pids = (await daemon.status()).workers.map(({ pid }) => pid);
    await curl(daemon, '/unlogged');
    const change = async (accessLog: string) => {
      const text = readFileSync(daemon.configFile, 'utf8').replace(
        /access-log .*/,
        `access-log ${accessLog}`,
      );
      execFileSync('tee', [daemon.configFile], { input: text });
      return daemon.reload();
    };
    await change(first);
    await eventually('a line in the first', async () => {
      await curl(daemon, '/first');
      return entriesOf(first).length > 0 || undefined;
    });
    await change(`${second} common`);
    await eventually('a line in the second', async () => {
      await curl(daemon, '/second');
      return linesOf(second).length > 0 || undefined;
    });
    expect(linesOf(second)[0]).toContain('"GET /second HTTP/2" 200');

    const rejected = await change(join(folder, 'missing', 'access.log'));
    expect(rejected).toMatchObject({ event: 'config.rejected' });
    expect(JSON.stringify(rejected)).toContain(`there is no folder ${join(folder, 'missing')}`);
    await curl(daemon, '/still');
    await eventually(
      'a line after it',
      () => linesOf(second).some((line) => line.includes('/still')) || undefined,
    );

    await change('off');
    await eventually('the end of logging', async () => {
      const before = linesOf(second).length;
      await curl(daemon, '/gone');
      await delay(300);
      return linesOf(second).length === before || undefined;
    });
    expect(entriesOf(first).map(({ target }) => target)).not.toContain('/unlogged');
    expect((await daemon.status()).workers.map(({ pid }) => pid)).toEqual(pids);
  });

  it('keeps the daemon from starting when it cannot be written', async () => {
    const folder = logFolder();
    const config = (target: string) => {
      const file = join(folder, 'rigil.conf');
      const text = `global\n  https 127.0.0.1:0\n  http off\n  admin off\n  store file ${folder}/store\n  access-log ${target}\n${routes()}`;
      execFileSync('tee', [file], { input: text });
      return file;
    };
    const cases: [target: string, message: string, hint: string][] = [
      [`${folder}/missing/access.log`, `there is no folder ${folder}/missing`, 'LogsDirectory='],
      [folder, 'it is a folder', 'name a file in it'],
      [`${folder}/rigil.conf/x.log`, `${folder}/rigil.conf is no folder`, 'access-log'],
    ];
    for (const [target, message, hint] of cases) {
      const { code, stderr } = await rigil(['serve', '-c', config(target)]);
      expect(code).toBe(1);
      expect(stderr).toContain(message);
      expect(stderr).toContain(hint);
    }
  });
});
