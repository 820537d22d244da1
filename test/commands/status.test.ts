import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, rigil, startDaemon } from '../e2e/daemon.ts';
import { workplace } from './workplace.ts';

const ROUTE = 'route one.localhost\n  upstream localhost:1\n';

describe('rigil status', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon(ROUTE, { workers: 1 });
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  it('shows what the daemon does, through the endpoint that the configuration names', async () => {
    const { code, stdout } = await rigil(['status', '-c', daemon.configFile]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^rigil \S+ at 127\.0\.0\.1:\d+: healthy, up /);
    expect(stdout).toMatch(/^one\.localhost +internal +valid /m);
    expect(stdout).toMatch(/^one\.localhost +http:\/\/localhost:1 +one\.localhost$/m);
  });

  it('needs no configuration when it is told where to ask, and gives the API as it is', async () => {
    const { code, stdout } = await rigil(['status', '--json', '--admin', `127.0.0.1:${daemon.ports.admin}`]);
    expect(code).toBe(0);
    const { at: _, workers: __, ...told } = JSON.parse(stdout);
    const { at: ___, workers: ____, ...api } = (await daemon.status()) as unknown as Record<string, unknown>;
    expect(told).toEqual(api);
  });

  it('shows a reload that was rejected', async () => {
    daemon.configure('route one.localhost\n  upsteam x\n');
    await daemon.reload();
    const { code, stdout } = await rigil(['status', '--admin', `127.0.0.1:${daemon.ports.admin}`]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/was rejected, the former configuration runs on:\n[\s\S]*upsteam/);
  });
});

describe('rigil status without an answer', () => {
  it.each([
    ['nobody listens', '127.0.0.1:1'],
    ['there is no socket', 'unix:/nowhere/admin.sock'],
  ])('says so when %s', async (_, address) => {
    const { code, stdout, stderr } = await rigil(['status', '--json', '--admin', address]);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { code: 'daemon-unreachable' } }]);
    expect(stderr).toContain(address);
    expect(stderr).toMatch(/^hint: /m);
  });

  it('says so when somebody else answers', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { code, stderr } = await rigil(['status', '--admin', `127.0.0.1:${port}`]);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain('is not rigil');
  });

  it('says so when the endpoint is off, or what was asked is no address', async () => {
    using place = await workplace(ROUTE);
    place.configure(`${ROUTE}global\n  admin off\n`);
    const off = await place.run('status');
    expect([off.code, off.stderr]).toEqual([1, expect.stringMatching(/off|admin/)]);
    const wrong = await place.run('status', '--admin', 'nonsense');
    expect(wrong.code).toBe(2);
  });
});

describe('rigil status over a socket', () => {
  it('finds the daemon there', async () => {
    await using daemon = await startDaemon(ROUTE, { workers: 1 });
    const socket = join(daemon.folder, 'admin.sock');
    const { ports } = daemon;
    const text = `global
  https 127.0.0.1:${ports.https}
  http 127.0.0.1:${ports.http}
  admin unix:${socket}
  store file ${daemon.store}
  workers 1
  log debug json
${ROUTE}`;
    writeFileSync(daemon.configFile, text);
    await daemon.reload();
    const { code, stdout } = await rigil(['status', '-c', daemon.configFile]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`at unix:${socket}: healthy`)]);
  });
});
