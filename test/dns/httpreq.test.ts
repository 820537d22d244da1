import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createProvider } from '../../src/dns/registry.ts';
import { leapingClock } from './clock.ts';
import { type Handler, serve, type TestServer } from './http-server.ts';
import { cnames, testPorts } from './ports.ts';
import { challengeFor, never } from './records.ts';

const RECORD = challengeFor('www.acme.test');

let server: TestServer;
afterEach(() => server.stop());

async function provider(
  handler: Handler,
  options: Readonly<Record<string, string>> = {},
  ports = testPorts(),
) {
  server = await serve(handler);
  return createProvider('httpreq', { endpoint: `${server.url}/dns/`, ...options }, ports);
}

const bodies = () => server.seen.map(({ method, path, body }) => [method, path, JSON.parse(body)]);

describe('httpreq', () => {
  it('posts fqdn and value', async () => {
    const one = await provider(() => ({ status: 204 }));
    const cleanUp = await one.present(RECORD, never);
    await cleanUp();
    const message = { fqdn: `${RECORD.name}.`, value: RECORD.value };
    expect(bodies()).toEqual([
      ['POST', '/dns/present', message],
      ['POST', '/dns/cleanup', message],
    ]);
    expect(server.seen[0]?.headers['content-type']).toBe('application/json');
    expect(server.seen[0]?.headers['authorization']).toBeUndefined();
  });

  it('posts domain, token and keyAuth in RAW mode', async () => {
    const one = await provider(() => ({ status: 200 }), { mode: 'RAW' });
    await one.present(RECORD, never);
    const { domain, token, keyAuthorization } = RECORD;
    expect(bodies()).toEqual([['POST', '/dns/present', { domain, token, keyAuth: keyAuthorization }]]);
  });

  it('authenticates', async () => {
    const one = await provider(() => ({ status: 200 }), { username: 'u', password: 'p:w' });
    await one.present(RECORD, never);
    expect(server.seen[0]?.headers['authorization']).toBe(`Basic ${btoa('u:p:w')}`);
  });

  it('puts the record where a CNAME leads', async () => {
    const resolver = cnames({ [RECORD.name]: 'a.proofs.test', 'a.proofs.test': 'b.proofs.test' });
    const one = await provider(() => ({ status: 200 }), {}, testPorts({ resolver }));
    await one.present(RECORD, never);
    expect(bodies()).toEqual([['POST', '/dns/present', { fqdn: 'b.proofs.test.', value: RECORD.value }]]);
  });

  it('puts it at the name itself when told to ignore CNAMEs', async () => {
    const resolver = cnames({ [RECORD.name]: 'a.proofs.test' });
    const one = await provider(() => ({ status: 200 }), { cname: 'ignore' }, testPorts({ resolver }));
    await one.present(RECORD, never);
    expect(bodies()[0]?.[2]).toMatchObject({ fqdn: `${RECORD.name}.` });
  });

  it('tries again when the server is overloaded, and waits as long as it says', async () => {
    let failures = 2;
    const clock = leapingClock();
    const handler: Handler = () =>
      failures-- > 0 ? { status: 503, headers: { 'retry-after': '3' } } : { status: 200 };
    await (await provider(handler, {}, testPorts({ clock }))).present(RECORD, never);
    expect(clock.leaps).toEqual([3000, 4000]);
    expect(server.seen).toHaveLength(3);
  });

  it('gives up after three attempts, undoes, and says what the server said', async () => {
    const one = await provider(({ path }) => ({
      status: path === '/dns/present' ? 500 : 200,
      body: 'no\n disk',
    }));
    await expect(one.present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringMatching(/POST http:.*\/dns\/present was answered 500: no disk$/),
    });
    expect(server.seen.map(({ path }) => path)).toEqual([
      ...Array.from({ length: 3 }, () => '/dns/present'),
      '/dns/cleanup',
    ]);
  });

  it('does not try again when it is refused', async () => {
    const one = await provider(() => ({ status: 403, body: 'wrong password pass-word' }), {
      username: 'u',
      password: 'pass-word',
    });
    await expect(one.present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('403: wrong password ***'),
      hint: expect.stringContaining('password'),
    });
    expect(server.seen).toHaveLength(1);
  });

  it('goes through the proxy of the environment, and past it where that says so', async () => {
    const endpoint = 'http://dns.acme.test/';
    const proxy = await serve(() => ({ status: 200 }));
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    const direct = await provider(() => ({ status: 200 }), {}, testPorts({ env }));
    await direct.present(RECORD, never);
    expect(server.seen).toHaveLength(1);
    expect(proxy.seen).toEqual([]);
    await createProvider('httpreq', { endpoint }, testPorts({ env })).present(RECORD, never);
    expect(proxy.seen.map(({ url }) => url)).toEqual(['http://dns.acme.test/present']);
    await proxy.stop();
  });

  it('follows no redirect', async () => {
    const one = await provider(() => ({ status: 307, headers: { location: '/elsewhere' } }));
    await expect(one.present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      hint: expect.stringContaining('redirect'),
    });
  });

  it('gives up on a server that does not answer', async () => {
    const one = await provider(() => null, {}, testPorts({ clock: leapingClock({ upToMs: 60_000 }) }));
    await expect(one.present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('within 30 s'),
    });
  });

  it('ends when it is aborted, and still cleans up', async () => {
    const abort = new AbortController();
    const one = await provider(({ path }) => {
      if (path === '/dns/cleanup') return { status: 200 };
      abort.abort();
      return null;
    });
    await expect(one.present(RECORD, abort.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(server.seen.map(({ path }) => path)).toEqual(['/dns/present', '/dns/cleanup']);
  });

  it('cleans up after the signal of its beginning has aborted', async () => {
    const abort = new AbortController();
    const one = await provider(() => ({ status: 200 }));
    const cleanUp = await one.present(RECORD, abort.signal);
    abort.abort();
    await cleanUp();
    expect(server.seen.map(({ path }) => path)).toEqual(['/dns/present', '/dns/cleanup']);
  });

  it('says that nobody listens there', async () => {
    const one = await provider(() => ({ status: 200 }));
    await server.stop();
    await expect(one.present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    server = await serve(() => null);
  });

  it('survives a server that breaks off', async () => {
    const breaking = createServer((socket) => socket.once('data', () => socket.destroy())).listen(
      0,
      '127.0.0.1',
    );
    await new Promise((resolve) => breaking.once('listening', resolve));
    const address = breaking.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const one = await provider(() => null, { endpoint: `http://127.0.0.1:${port}` });
    await expect(one.present(RECORD, never)).rejects.toMatchObject({ code: 'dns-provider-failed' });
    breaking.close();
  });

  it('takes credentials out of the address and shows them nowhere', async () => {
    const one = await provider(() => ({ status: 418 }));
    const endpoint = server.url.replace('http://', 'http://user:in-the-url@');
    const failure = await createProvider('httpreq', { endpoint }, testPorts())
      .present(RECORD, never)
      .catch((error: unknown) => error);
    expect(one.name).toBe('httpreq');
    expect(server.seen[0]?.headers['authorization']).toBe(`Basic ${btoa('user:in-the-url')}`);
    expect(String(failure)).not.toContain('in-the-url');
  });
});
