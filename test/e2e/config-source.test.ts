import { cp } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/config/source/frames.ts';
import { type PushServer, startPushServer } from '../config/source/push-server.ts';
import { has } from '../peers.ts';
import { type Daemon, eventually, rigil, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** The cases tell one story, in this order. */
describe.skipIf(!has('curl'))('routes that a server sends', () => {
  let daemon: Daemon;
  let old: Upstream;
  let fresh: Upstream;
  let server: PushServer;

  const routeTo = (upstream: Upstream, more = '') =>
    `route one.localhost\n  upstream ${upstream.address}\n${more}`;

  beforeAll(async () => {
    old = await startUpstream('old');
    fresh = await startUpstream('fresh');
    server = await startPushServer(routeTo(old));
    daemon = await startDaemon('', { global: `  config-source ${server.url}` });
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await old?.[Symbol.asyncDispose]();
    await fresh?.[Symbol.asyncDispose]();
  });

  const ask = async () =>
    (
      await runProgram('curl', [
        '-sS',
        '--max-time',
        '20',
        // Routes that come with another issuer get a certificate of another root; that is not what is asked here.
        '--insecure',
        '--resolve',
        `*:${daemon.ports.https}:127.0.0.1`,
        `https://one.localhost:${daemon.ports.https}/`,
      ])
    ).stdout;
  const answers = (text: string) =>
    eventually(`the answer ${text}`, async () => (await ask()) === text || undefined, daemon.notes);
  const rejections = () => daemon.events().filter(({ event }) => event === 'config.rejected').length;
  const failures = async () =>
    Number(/^rigil_config_reload_failures_total (\d+)$/m.exec(await daemon.metrics())?.[1]);

  it('are in force soon after the start', async () => {
    await answers('old /\n');
    await daemon.event('config.source.connected', (line) => line['address'] === server.url);
    expect((await daemon.status()).config).toMatchObject({
      source: { url: server.url, connected: true, hasRoutes: true, lastError: null },
    });
    expect(await daemon.metrics()).toMatch(/^rigil_config_source_connected 1$/m);
  });

  it('change with what it sends', async () => {
    server.push(routeTo(fresh));
    await answers('fresh /\n');
  });

  it.each([
    [
      'a directive that does not exist',
      'route one.localhost\n  upsteam nowhere\n',
      'unknown-directive',
      'upsteam',
    ],
    ['a global section', 'global\n  workers 7\n', 'section-not-allowed', 'global'],
    ['an issuer section', 'issuer evil\n  directory https://evil.example\n', 'section-not-allowed', 'issuer'],
    [
      'a provider that the file does not have',
      'route a.localhost\n  upstream a\n  provider nobody\n',
      'unknown-issuer',
      'nobody',
    ],
  ])('stay when it sends %s', async (_, text, _code, word) => {
    const [before, failed] = [rejections(), await failures()];
    server.push(text);
    await eventually('a rejection', () => rejections() > before || undefined);
    const line = daemon.events().findLast(({ event }) => event === 'config.rejected');
    expect(JSON.stringify(line)).toContain(`${server.url}:`);
    expect(JSON.stringify(line)).toContain(word);
    expect(JSON.stringify((await daemon.status()).config.lastError)).toContain(word);
    expect(await failures()).toBe(failed + 1);
    expect(await ask()).toBe('fresh /\n');
  });

  it('are taken after all when the file gets what they lacked', async () => {
    server.push(routeTo(old, '  provider nobody\n'));
    await daemon.event('config.rejected', (line) => JSON.stringify(line).includes('nobody'));
    daemon.configure('issuer nobody\n  type internal\n');
    await daemon.reload();
    await answers('old /\n');
    server.push(routeTo(fresh));
    await answers('fresh /\n');
    daemon.configure('');
    expect(await daemon.reload()).toMatchObject({ event: 'config.loaded' });
  });

  it('stay over a reload of the file, which has the other settings', async () => {
    daemon.configure('route file.localhost\n  upstream nowhere:1\n');
    expect(await daemon.reload()).toMatchObject({ event: 'config.loaded', routes: 1 });
    expect(await ask()).toBe('fresh /\n');
  });

  it('stay when the server goes away, and change again when it is back', async () => {
    const { port } = server;
    await server.close();
    await daemon.event('config.source.lost');
    expect(await ask()).toBe('fresh /\n');
    expect((await daemon.status()).config).toMatchObject({ source: { connected: false, hasRoutes: true } });
    server = await startPushServer(routeTo(old), port);
    await answers('old /\n');
  });

  it('stay when it sends what is no frame; then it is asked anew', async () => {
    const { connections } = server;
    server.pushBytes(Buffer.concat([encodeFrame(Buffer.from(routeTo(fresh))), Buffer.from('nonsense')]));
    await daemon.event('config.source.lost', (line) => line['code'] === 'config-source-invalid');
    await eventually('a new connection', () => server.connections > connections || undefined);
    await answers('old /\n');
  });

  it('are known to the offline commands', async () => {
    const list = await rigil(['certs', 'list', '--json', '-c', daemon.configFile]);
    expect(JSON.parse(list.stdout).certificates).toEqual([
      expect.objectContaining({ id: 'one.localhost', status: 'valid' }),
    ]);
    const renewal = await rigil(['certs', 'renew', '--dry-run', '--json', '-c', daemon.configFile]);
    expect(renewal.code, renewal.stderr).toBe(0);
  });

  it('are there again after a start without the server', async () => {
    await server.close();
    expect(await daemon.stop()).toBe(0);
    const former = daemon;
    daemon = await startDaemon('', {
      global: `  config-source ${server.url}`,
      prepare: (store) => cp(former.store, store, { recursive: true }),
    });
    await former[Symbol.asyncDispose]();
    expect(await ask()).toBe('old /\n');
    expect((await daemon.status()).config).toMatchObject({ source: { connected: false, hasRoutes: true } });
  });
});

describe('without the server and without routes from before', () => {
  it('the daemon starts, says so, and takes an empty configuration for one', async () => {
    const server = await startPushServer();
    await using daemon = await startDaemon('', { global: `  config-source ${server.url}`, healthy: false });
    const health = async () => fetch(`http://127.0.0.1:${daemon.ports.admin}/healthz`);
    const ill = await health();
    expect([ill.status, await ill.text()]).toEqual([503, expect.stringContaining(server.url)]);
    server.push('');
    await daemon.event('config.loaded', (line) => line['file'] === server.url && line['routes'] === 0);
    expect((await health()).status).toBe(200);
    await server.close();
  });
});
