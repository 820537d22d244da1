import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has, peer } from '../peers.ts';
import { type Daemon, eventually, freePorts, rigil, runProgram, startDaemon } from './daemon.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { startUpstream } from './upstream.ts';

/** Several upstreams behind the whole program, with real ones that are killed and come back. */
describe.skipIf(!has('nginx') || !has('curl') || !has('wrk'))('a route with several upstreams', () => {
  let ports: readonly number[];
  let nginx: Nginx[];
  let daemon: Daemon;

  const start = (index: number): Promise<Nginx> => {
    const port = ports[index] ?? 0;
    return startNginx(`server { listen 127.0.0.1:${port}; location / { return 200 "${index}"; } }`, port);
  };

  beforeAll(async () => {
    ports = await freePorts(2);
    nginx = await Promise.all([start(0), start(1)]);
    const upstreams = ports.map((port) => `  upstream 127.0.0.1:${port}`).join('\n');
    daemon = await startDaemon(
      ['random', 'round-robin', 'least-connections', 'sticky']
        .map((policy) => `route ${policy}.localhost\n${upstreams}\n  balance ${policy}`)
        // wrk has no name of its own to ask for.
        .join('\n')
        .replace('route random.localhost', 'route random.localhost localhost'),
    );
  }, 60_000);

  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    for (const each of nginx ?? []) await each[Symbol.asyncDispose]();
  });

  async function ask(host: string, ...more: string[]): Promise<string> {
    const url = `https://${host}.localhost:${daemon.ports.https}/`;
    const resolve = `${host}.localhost:${daemon.ports.https}:127.0.0.1`;
    return (await runProgram('curl', ['-sk', '--resolve', resolve, ...more, url])).stdout;
  }

  it.each(['random', 'round-robin', 'least-connections'])('uses all of them: %s', async (policy) => {
    const seen = new Set<string>();
    await eventually('both upstreams', async () => {
      seen.add(await ask(policy));
      return seen.size === 2 || undefined;
    });
    expect([...seen].sort()).toEqual(['0', '1']);
  });

  it('keeps a client where it was, with all workers and over a restart', async () => {
    const first = await ask('sticky', '-i');
    const [, cookie = ''] =
      /set-cookie: (rigil_sticky=[\w-]+); Path=\/; HttpOnly; SameSite=Lax; Secure/i.exec(first) ?? [];
    expect(cookie).not.toBe('');
    const home = first.at(-1);
    const tokens = new Set(
      await Promise.all(Array.from({ length: 12 }, () => ask('sticky', '-H', `cookie: ${cookie}`))),
    );
    expect([...tokens]).toEqual([home]);
    await using again = await startDaemon(
      `route sticky.localhost\n${ports.map((port) => `  upstream 127.0.0.1:${port}`).join('\n')}\n  balance sticky`,
      {
        prepare: async (store) => {
          await runProgram('mkdir', ['-p', store]);
          await runProgram('cp', ['-r', `${daemon.store}/routes`, store]);
        },
      },
    );
    const resolve = `sticky.localhost:${again.ports.https}:127.0.0.1`;
    const args = ['-sk', '--resolve', resolve, '-H', `cookie: ${cookie}`];
    const url = `https://sticky.localhost:${again.ports.https}/`;
    for (let n = 0; n < 6; n++) expect((await runProgram('curl', [...args, url])).stdout).toBe(home);
  }, 60_000);

  it('loses no request of many when one is killed, comes back and the other is killed', async () => {
    const url = `https://localhost:${daemon.ports.https}/`;
    const args = ['-t1', '-c8', '-d8s', '-H', 'Host: random.localhost', url];
    const wrk = spawn(peer('wrk'), args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let report = '';
    wrk.stdout.on('data', (data) => {
      report += data;
    });
    const over = once(wrk, 'close');
    await delay(1_000);
    await nginx[0]?.[Symbol.asyncDispose]();
    await delay(2_000);
    nginx[0] = await start(0);
    // It is left alone for a second or two after its failures.
    await delay(2_500);
    await nginx[1]?.[Symbol.asyncDispose]();
    await over;
    nginx[1] = await start(1);
    expect(report).toMatch(/[1-9]\d* requests in/);
    expect(report).not.toMatch(/Non-2xx|Socket errors/);
    const metrics = await daemon.metrics();
    expect(metrics).toMatch(/rigil_upstream_retries_total\{route="random.localhost"\} [1-9]/);
    expect(metrics).not.toMatch(/rigil_response_total\{route="random.localhost",status="5/);
    expect(daemon.events().filter(({ event }) => /^(fault|worker\.(exited|said))$/.test(event))).toEqual([]);
  }, 60_000);

  it('shows those that could not be connected to', async () => {
    const [port = 0] = ports;
    await nginx[0]?.[Symbol.asyncDispose]();
    const shown = await eventually('the one that is away', async () => {
      await ask('random');
      const [route] = (await daemon.status()).routes as { readonly failing: readonly string[] }[];
      return route?.failing.length === 1 ? route.failing : undefined;
    });
    expect(shown).toEqual([`http://127.0.0.1:${port}`]);
    const { stdout } = await rigil(['status', '-c', daemon.configFile]);
    expect(stdout).toContain(`http://127.0.0.1:${port} failing`);
    nginx[0] = await start(0);
    await eventually('that it is back', async () => {
      await ask('random');
      const [route] = (await daemon.status()).routes as { readonly failing: readonly string[] }[];
      return route?.failing.length === 0 || undefined;
    });
  }, 60_000);
});

describe.skipIf(!has('curl'))('a health check', () => {
  it('keeps requests from what is not well, is shown, and outlives a reload', async () => {
    let isWell = true;
    await using good = await startUpstream('good');
    await using ill = await startUpstream('ill', (request, response) => {
      response.statusCode = request.url === '/healthz' && !isWell ? 503 : 200;
      response.end('ill');
    });
    const text = `route www.localhost\n  upstream ${good.address}\n  upstream ${ill.address}\n  balance round-robin\n  health-check /healthz interval=200ms`;
    await using daemon = await startDaemon(`${text}\nroute other.localhost\n  upstream ${ill.address}`);
    const upstream = `http://${ill.address}`;
    const ask = async () => {
      const resolve = `www.localhost:${daemon.ports.https}:127.0.0.1`;
      const url = `https://www.localhost:${daemon.ports.https}/`;
      return (await runProgram('curl', ['-sk', '--resolve', resolve, url])).stdout.trim();
    };
    const asked = async (count: number) => {
      const answers: string[] = [];
      for (let n = 0; n < count; n++) answers.push((await ask()).split(' ')[0] ?? '');
      return [...new Set(answers)].sort();
    };
    const health = async () =>
      (await daemon.status()).routes.map((route) => (route as { health: unknown }).health);
    const metric = async (value: number) => {
      const line = `rigil_upstream_up{route="www.localhost",upstream="${upstream}"} ${value}\n`;
      return (await daemon.metrics()).includes(line) || undefined;
    };

    await eventually('a first answer', () => metric(1));
    expect(await asked(6)).toEqual(['good', 'ill']);

    isWell = false;
    expect(await daemon.event('upstream.down')).toMatchObject({
      level: 'warn',
      route: 'www.localhost',
      upstream,
      message: 'it answered with status 503',
    });
    expect(await metric(0)).toBe(true);
    // Workers hear of it a moment later.
    await eventually('only good answers', async () => ((await asked(4)).length === 1 ? true : undefined));
    expect(await asked(10)).toEqual(['good']);
    expect(await health()).toMatchObject([
      [
        { upstream: `http://${good.address}`, state: 'up', problem: null },
        { upstream, state: 'down', problem: 'it answered with status 503' },
      ],
      null,
    ]);
    const { code, stdout } = await rigil(['status', '-c', daemon.configFile]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${upstream} down`);
    expect(stdout).toMatch(/of www.localhost is down for .*: it answered with status 503/);
    expect(await (await fetch(`http://127.0.0.1:${daemon.ports.admin}/`)).text()).toContain('class="down"');

    for (let n = 0; n < 3; n++) expect((await daemon.reload()).event).toBe('config.loaded');
    expect(await asked(10)).toEqual(['good']);
    expect(daemon.events().filter(({ event }) => /^upstream\.(up|down)$/.test(event))).toHaveLength(1);

    isWell = true;
    expect(await daemon.event('upstream.up')).toMatchObject({
      route: 'www.localhost',
      upstream,
      level: 'info',
    });
    await eventually('answers of both', async () => ((await asked(4)).length === 2 ? true : undefined));

    // All down: asked all the same.
    isWell = false;
    daemon.configure(text.replace(`  upstream ${good.address}\n`, ''));
    expect((await daemon.reload()).event).toBe('config.loaded');
    await eventually('it is down', () => metric(0));
    expect(await asked(4)).toEqual(['ill']);
    expect(await daemon.metrics()).not.toContain(`upstream="http://${good.address}"`);
  }, 60_000);

  it('does not count any more when nobody makes it: workers go on without the control process', async () => {
    await using good = await startUpstream('good');
    const [port = 0] = await freePorts(1);
    await using daemon = await startDaemon(
      `route www.localhost\n  upstream ${good.address}\n  upstream 127.0.0.1:${port}\n  health-check / interval=200ms`,
      { workers: 1 },
    );
    await daemon.event('upstream.down');
    const [worker] = (await daemon.status()).workers;
    const back: Server = createServer((_, response) => response.end('back'));
    try {
      daemon.child.kill('SIGKILL');
      await new Promise<void>((resolve) => back.listen(port, '127.0.0.1', resolve));
      const url = `https://www.localhost:${daemon.ports.https}/`;
      const resolve = `www.localhost:${daemon.ports.https}:127.0.0.1`;
      await eventually('an answer of the one that is back', async () => {
        const { stdout } = await runProgram('curl', ['-sk', '--resolve', resolve, url]);
        return stdout === 'back' || undefined;
      });
    } finally {
      back.close();
      back.closeAllConnections();
      if (worker !== undefined) process.kill(worker.pid, 'SIGKILL');
    }
  }, 60_000);
});
