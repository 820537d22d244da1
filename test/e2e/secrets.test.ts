import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Daemon, eventually, rigil, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

// Whole programs on a machine that may be busy with others.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const SECRETS = { WRITTEN: 'aaaa-written-hmacs-', TOKEN: 'bbbb-cloudflare-token', DATABASE: 'cccc-password' };
const EVERY_SECRET = new RegExp(Object.values(SECRETS).join('|'));

/** The whole program with secrets in its file and environment. Nobody but those who need them may ever see them. */
describe('a secret', () => {
  let daemon: Daemon;
  let upstream: Upstream;

  beforeAll(async () => {
    upstream = await startUpstream('app');
    daemon = await startDaemon(
      `issuer ca
  directory http://127.0.0.1:9/directory
  eab kid ${SECRETS.WRITTEN}
  challenge dns-01 cloudflare token=\${CLOUDFLARE_TOKEN}
route site.localhost
  upstream ${upstream.address}
  provider internal
route other.localhost
  upstream ${upstream.address}
  provider ca
`,
      {
        env: { CLOUDFLARE_TOKEN: SECRETS.TOKEN, REDIS_PASSWORD: SECRETS.DATABASE, TZ: 'UTC' },
        healthy: false,
        workers: 1,
      },
    );
    await daemon.event('certificate.obtain.failed', ({ id }) => id === 'other.localhost');
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
  });

  it('is not in the environment of a worker', async () => {
    const { workers } = await daemon.status();
    const { pid = 0 } = workers[0] ?? {};
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(environment.filter((line) => EVERY_SECRET.test(line))).toEqual([]);
    expect(environment).toContain('TZ=UTC');
  });

  it('is in no title and no argument of a process', async () => {
    const { workers } = await daemon.status();
    for (const pid of [daemon.child.pid, ...workers.map((worker) => worker.pid)]) {
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toMatch(EVERY_SECRET);
    }
  });

  it('is in no line of the log, not after a rejected reload either', async () => {
    const good = readFileSync(daemon.configFile, 'utf8');
    writeFileSync(
      daemon.configFile,
      `${good}\nissuer broken\n  eab ${SECRETS.WRITTEN} !${SECRETS.WRITTEN}\n  challenge dns-01 cloudflare tokn=\${CLOUDFLARE_TOKEN}\n`,
    );
    expect(await daemon.reload()).toMatchObject({ event: 'config.rejected' });
    writeFileSync(daemon.configFile, good);
    const lines = daemon.events().map((line) => JSON.stringify(line));
    // A key identifier is none: that one was put there by this test.
    expect(lines.filter((line) => /bbbb|cccc/.test(line))).toEqual([]);
    expect(daemon.notes()).not.toMatch(EVERY_SECRET);
  });

  it('is on no page of the admin endpoint', async () => {
    for (const path of ['/', '/api/status', '/healthz', '/metrics']) {
      const page = await fetch(`http://127.0.0.1:${daemon.ports.admin}${path}`);
      expect(await page.text()).not.toMatch(/aaaa|bbbb|cccc|PRIVATE KEY/);
    }
  });

  it('is masked by config show, and named by nobody in config check', async () => {
    const env = { CLOUDFLARE_TOKEN: SECRETS.TOKEN };
    for (const args of [['show'], ['show', '--json'], ['check'], ['check', '--json']]) {
      const { stdout, stderr } = await rigil(['config', ...args, '-c', daemon.configFile], { env });
      expect(stdout + stderr, args.join(' ')).not.toMatch(EVERY_SECRET);
    }
  });

  it('that others may read is told at the start, with the line that mends it', async () => {
    await using again = await startDaemon(`route a.localhost\n  upstream ${upstream.address}\n`, {
      prepare: async (store) => {
        mkdirSync(join(store, 'accounts/ca'), { recursive: true });
        writeFileSync(join(store, 'accounts/ca/one.json'), '{}', { mode: 0o640 });
        writeFileSync(join(store, 'accounts/ca/two.json'), '{}', { mode: 0o600 });
      },
    });
    const told = await again.event('store.problem');
    expect(told).toMatchObject({
      code: 'store-exposed',
      hint: `chmod 600 ${join(again.store, 'accounts/ca/one.json')}`,
    });
    await eventually('the start is over', () =>
      again.events().some(({ event }) => event === 'daemon.ready') ? true : undefined,
    );
    expect(again.events().filter(({ event }) => event === 'store.problem')).toHaveLength(1);
    // That of the first daemon was written by this test, for everybody to read, and has a secret in it.
    expect(daemon.events()).toContainEqual(
      expect.objectContaining({
        event: 'store.problem',
        hint: expect.stringContaining(`chmod 640 ${daemon.configFile}`),
      }),
    );
  });
});
