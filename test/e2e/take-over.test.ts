import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from './clients.ts';
import { type Daemon, eventually, rigil, startDaemon } from './daemon.ts';
import { startSlowCa } from './never-waits/slow-ca.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { echoed, openWebSocket } from './web-socket.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream('upstream');
});
afterAll(async () => upstream?.[Symbol.asyncDispose]());

const routes = () => `route one.localhost\n  upstream ${upstream.address}\n`;
const follow = (daemon: Daemon, args: readonly string[] = ['--take-over']) =>
  startDaemon('', { beside: daemon, args });

describe('serve --take-over', { timeout: 60_000 }, () => {
  it('loses no request, again and again, and keeps a WebSocket until its end', {
    timeout: 60_000,
  }, async () => {
    await using first = await startDaemon(routes());
    const socket = await openWebSocket(first, 'one.localhost');
    const load = startLoad(first, { fresh: 4, kept: 4 });
    await using second = await follow(first);
    await using third = await follow(second);
    await using fourth = await follow(third);
    const outcomes = await load.stop();
    expect(Object.keys(outcomes)).toEqual(['200']);

    expect(await third.stop()).toBe(0);
    expect(await second.stop()).toBe(0);
    // The first is not done yet: its worker has a WebSocket.
    expect(first.events().map(({ event }) => event)).toContain('hand-over.finished');
    expect(first.child.exitCode).toBeNull();
    expect(await echoed(socket, 'still there')).toBe('still there');
    socket.close();
    const [code] = await once(first.child, 'exit');
    expect(code).toBe(0);

    expect(fourth.child.exitCode).toBeNull();
    expect((await fourth.event('take-over.finished'))['from']).toBe(third.child.pid);
    expect((await fourth.status()).workers).toHaveLength(2);
    expect(certificateWork(second, third, fourth)).toEqual([]);
    expect(await fourth.stop()).toBe(0);
    expect(existsSync(join(first.store, 'take-over.sock'))).toBe(false);
  });

  it('that cannot start leaves the running one as it was', async () => {
    await using daemon = await startDaemon(routes());
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const other = join(daemon.folder, 'other.conf');
    const text = readFileSync(daemon.configFile, 'utf8');
    writeFileSync(other, text.replace(/^ {2}http .*/m, `  http 127.0.0.1:${port}`));
    const load = startLoad(daemon, { fresh: 2, kept: 0 });
    const result = await rigil(['serve', '--take-over', '-c', other]);
    taken.close();
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/in use/);
    await daemon.event('hand-over.failed');
    // It works as before.
    daemon.configure(`${routes()}route two.localhost\n  upstream ${upstream.address}\n`);
    expect((await daemon.reload()).event).toBe('config.loaded');
    await daemon.event('certificate.obtain.finished', ({ id }) => id === 'two.localhost');
    expect(Object.keys(await load.stop())).toEqual(['200']);

    // And somebody else can follow it.
    await using next = await follow(daemon);
    expect((await next.status()).certificates).toHaveLength(2);
    expect(certificateWork(next)).toEqual([]);
  });

  it('lets an order that is under way finish, and makes it no second time', async () => {
    await using ca = await startSlowCa(2_500);
    await using first = await startDaemon(routes());
    const issuer = `issuer ca\n  type acme\n  directory ${ca.directory}\n  ca-root ${ca.caRoot}\n`;
    const ordered = `route two.example.org\n  upstream ${upstream.address}\n  provider ca\n`;
    first.configure(`${issuer}${routes()}  provider internal\n${ordered}`);
    await first.reload();
    await eventually('an order', () => (ca.count('newOrder') > 0 ? true : undefined));
    await using second = await follow(first);
    expect(ca.count('newOrder')).toBe(1);
    await first.event('certificate.obtain.finished', ({ id }) => id === 'two.example.org');
    expect(certificateWork(second)).toEqual([]);
    expect((await second.status()).certificates).toMatchObject([
      { id: 'one.localhost', status: 'valid' },
      { id: 'two.example.org', status: 'valid' },
    ]);
    expect(ca.count('newOrder')).toBe(1);
  });

  it('gets the sockets also of a daemon that is told to stop at the same time', async () => {
    await using first = await startDaemon(routes());
    const load = startLoad(first, { fresh: 2, kept: 2 });
    const following = follow(first);
    await first.event('hand-over.started');
    const stopped = first.stop();
    await using second = await following;
    expect(await stopped).toBe(0);
    expect(second.events().map(({ event }) => event)).toContain('take-over.finished');
    expect(Object.keys(await load.stop())).toEqual(['200']);
  });

  it('is an ordinary start where nobody runs', async () => {
    await using daemon = await startDaemon(routes(), { args: ['--take-over'] });
    expect(daemon.events().map(({ event }) => event)).not.toContain('take-over.started');
  });

  it('takes a unix socket over, whose file stays until the end', async () => {
    const path = (daemon: Daemon) => join(daemon.folder, 'plain.sock');
    await using first = await startDaemon(routes());
    const text = readFileSync(first.configFile, 'utf8');
    writeFileSync(first.configFile, text.replace(/^ {2}http .*/m, `  http unix:${path(first)}`));
    await first.reload();
    await using second = await follow(first);
    expect(await first.stop()).toBe(0);
    expect(await plainStatus(path(second))).toBe('HTTP/1.1 308 Permanent Redirect');
    expect(await second.stop()).toBe(0);
    expect(existsSync(path(second))).toBe(false);
  });

  it('is what SIGUSR2 makes a daemon do to itself', async () => {
    await using first = await startDaemon(routes());
    first.child.kill('SIGUSR2');
    const [code] = await once(first.child, 'exit');
    expect(code).toBe(0);
    // Its log goes where that of the first one went.
    const ready = await eventually('a second one', () =>
      first
        .events()
        .filter(({ event }) => event === 'daemon.ready')
        .at(1),
    );
    expect(ready['pid']).not.toBe(first.child.pid);
    expect((await first.status()).workers).toHaveLength(2);
    process.kill(Number(ready['pid']), 'SIGTERM');
    await eventually('its end', () => (isAlive(Number(ready['pid'])) ? undefined : true));
  });

  it('is what a second daemon is advised to', async () => {
    await using daemon = await startDaemon(routes());
    const result = await rigil(['serve', '-c', daemon.configFile]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^hint: .*--take-over/m);
  });
});

describe('a daemon that is killed', { timeout: 60_000 }, () => {
  it('leaves workers that serve until the next one has their sockets', async () => {
    await using first = await startDaemon(routes());
    const orphans = (await first.status()).workers.map(({ pid }) => pid);
    const socket = await openWebSocket(first, 'one.localhost');
    const load = startLoad(first, { fresh: 4, kept: 4 });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await served(load.outcomes);
    await using second = await follow(first, []);
    await served(load.outcomes);
    expect(await second.event('take-over.started')).toMatchObject({ role: 'worker' });
    expect(Object.keys(await load.stop())).toEqual(['200']);
    expect(certificateWork(second)).toEqual([]);

    expect(await echoed(socket, 'still there')).toBe('still there');
    socket.close();
    await eventually('the end of the former workers', () => (orphans.some(isAlive) ? undefined : true));
    expect((await second.status()).workers).toHaveLength(2);
    expect(await second.stop()).toBe(0);
  });

  it('together with its workers is followed by one that binds the ports anew', async () => {
    await using first = await startDaemon(routes());
    const { workers } = await first.status();
    for (const pid of [...workers.map(({ pid }) => pid), first.child.pid ?? 0]) process.kill(pid, 'SIGKILL');
    await using second = await follow(first, []);
    expect(second.events().map(({ event }) => event)).not.toContain('take-over.started');
  });
});

/** Certificates that these daemons have obtained: those of the first one are there. */
function certificateWork(...daemons: readonly Daemon[]): string[] {
  return daemons.flatMap((daemon) =>
    daemon
      .events()
      .map(({ event }) => event)
      .filter((event) => /^certificate\.(obtain|renew)\./.test(event)),
  );
}

/** Waits until some more requests have been answered. */
async function served(outcomes: Readonly<Record<string, number>>): Promise<void> {
  const before = outcomes['200'] ?? 0;
  await eventually('requests', () => ((outcomes['200'] ?? 0) >= before + 20 ? true : undefined));
}

async function plainStatus(path: string): Promise<string | undefined> {
  const socket = connectPlain(path);
  socket.write('GET / HTTP/1.1\r\nHost: one.localhost\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const data of socket) text += data;
  return text.split('\r\n')[0];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
