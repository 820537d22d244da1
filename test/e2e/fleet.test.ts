import { randomBytes } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type RedisUnderTest, startRedis } from '../redis.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { type Daemon, eventually, rigil } from './daemon.ts';
import { handshake, ordered, serialAt, startNode } from './fleet.ts';

const ROUTE = 'route one.localhost\n  upstream 127.0.0.1:9\n';
const SEAL = { RIGIL_SEAL: randomBytes(32).toString('base64') };

describe.skipIf(!has('redis-server'))('daemons that share a Redis', { timeout: 120_000 }, () => {
  let redis: RedisUnderTest;
  let folder: string;
  const nodes: Daemon[] = [];

  beforeEach(async () => {
    redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    folder = mkdtempSync(join(tmpdir(), 'rigil-fleet-'));
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()));
    await redis.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function node(name: string, options: { url?: string; healthy?: boolean } = {}): Promise<Daemon> {
    const { url = redis.url, healthy = true } = options;
    const started = await startNode(ROUTE, {
      redis: `${url} seal=env:RIGIL_SEAL`,
      cache: join(folder, name),
      env: SEAL,
      healthy,
    });
    nodes.push(started);
    return started;
  }

  const renew = (at: Daemon) =>
    rigil(['certs', 'renew', '--force', 'one.localhost', '-c', at.configFile], { env: SEAL });

  const change = (at: Daemon, from: string | null) =>
    eventually('another certificate', async () => {
      const serial = await serialAt(at, 'one.localhost');
      return serial !== null && serial !== from ? serial : undefined;
    });

  it('make one order, serve one certificate, and resume each other’s sessions', async () => {
    const [a, b, c] = await Promise.all([node('a'), node('b'), node('c')]);
    const serials = await Promise.all([a, b, c].map((each) => serialAt(each, 'one.localhost')));
    expect(new Set(serials).size).toBe(1);
    expect(serials[0]).not.toBeNull();
    expect(ordered(a, b, c)).toBe(1);
    const roots = [a, b, c].flatMap((each) =>
      each.events().filter(({ event }) => event === 'authority.created'),
    );
    expect(roots).toMatchObject([{ hint: expect.stringContaining('rigil store copy') }]);
    const first = await handshake(a, 'one.localhost');
    for (const each of [a, b, c]) {
      expect(await handshake(each, 'one.localhost', first?.session)).toMatchObject({ resumed: true });
    }

    const { code } = await renew(a);
    const renewedAt = Date.now();
    expect(code).toBe(0);
    const after = await Promise.all([a, b, c].map((each) => change(each, serials[0] ?? null)));
    expect(new Set(after).size).toBe(1);
    // It takes some 50 ms; this machine may be busy.
    expect(Date.now() - renewedAt).toBeLessThan(5_000);
    expect(ordered(a, b, c)).toBe(1);
    expect(await a.metrics()).toContain('rigil_store_up 1');
    await eventually(
      'word of what is sealed',
      async () => (await a.metrics()).includes('\nrigil_store_unsealed 0\n') || undefined,
    );
  });

  it('serve on when Redis is killed, start without it, and order nothing when it is back', async () => {
    const [a, b] = [await node('a'), await node('b')];
    const serial = await serialAt(a, 'one.localhost');
    await redis.kill();
    await eventually('the loss', async () => (await a.metrics()).includes('rigil_store_up 0') || undefined);
    expect(await serialAt(a, 'one.localhost')).toBe(serial);
    expect(await a.reload()).toMatchObject({ event: 'config.loaded' });
    expect(await serialAt(a, 'one.localhost')).toBe(serial);

    await b.stop();
    const again = await node('b');
    expect(await again.event('store.copy.used')).toMatchObject({ certificates: 1 });
    expect(await serialAt(again, 'one.localhost')).toBe(serial);

    await redis.start();
    await Promise.all([a, again].map((each) => each.event('store.connected')));
    const { code } = await renew(a);
    expect(code).toBe(0);
    const after = await change(again, serial);
    expect(await change(a, serial)).toBe(after);
    expect(ordered(a, b, again)).toBe(1);
  });

  it('start with nothing but a hope, and serve when Redis is there', async () => {
    const first = await node('a');
    const serial = await serialAt(first, 'one.localhost');
    await redis.kill();
    const hopeful = await node('new', { healthy: false });
    expect(await serialAt(hopeful, 'one.localhost')).toBeNull();
    await redis.start();
    expect(await change(hopeful, null)).toBe(serial);
    expect(ordered(first, hopeful)).toBe(1);
  });

  it.each(['cut', 'hole'] as const)('agree again after one was cut off (%s)', async (how) => {
    await using wire = await startTcpProxy(redis.port);
    const a = await node('a');
    const b = await node('b', { url: `redis://127.0.0.1:${wire.port}` });
    const serial = await serialAt(b, 'one.localhost');
    wire.set(how);
    await b.event('store.lost');
    expect((await renew(a)).code).toBe(0);
    const after = await change(a, serial);
    expect(await serialAt(b, 'one.localhost')).toBe(serial);
    wire.set('open');
    await b.event('store.connected');
    expect(await change(b, serial)).toBe(after);
    expect(ordered(a, b)).toBe(1);
  });

  it('put back what Redis lost, and order nothing', async () => {
    const [a, b] = [await node('a'), await node('b')];
    const serial = await serialAt(a, 'one.localhost');
    const root = await redis.client.hexists('{rigil}:doc:authorities', 'internal/root.key');
    expect(root).toBe(1);
    await eventually('everybody to know how many writes there were', async () => {
      const writes = await redis.client.hget('{rigil}:epoch', 'writes');
      return ['a', 'b'].every((name) => epochOf(join(folder, name)) === writes) || undefined;
    });
    await redis.client.flushall();
    await eventually('the certificate to be back', async () => {
      const back = await redis.client.hexists('{rigil}:index', 'internal/one.localhost');
      return back === 1 || undefined;
    });
    // Whoever comes first puts back what both have.
    await Promise.any([a, b].map((each) => each.event('store.restored')));
    expect(await redis.client.exists('{rigil}:seal')).toBe(1);
    expect(await redis.client.hexists('{rigil}:doc:authorities', 'internal/root.key')).toBe(1);
    expect(await serialAt(b, 'one.localhost')).toBe(serial);
    expect(ordered(a, b)).toBe(1);
  });

  it('do not start with keys that open nothing', async () => {
    const a = await node('a');
    await a.stop();
    const { code, stderr, stdout } = await rigil(['serve', '-c', a.configFile], {
      env: { RIGIL_SEAL: randomBytes(32).toString('base64'), CACHE_DIRECTORY: join(folder, 'other') },
    });
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('sealed with another key');
    expect(stdout + stderr).not.toContain(SEAL.RIGIL_SEAL);
  });
});

/** How many writes the copy in a folder knows of. */
function epochOf(cache: string): string | null {
  const [file] = globSync('redis-*/epoch', { cwd: cache });
  return file === undefined ? null : String(JSON.parse(readFileSync(join(cache, file), 'utf8')).writes);
}
