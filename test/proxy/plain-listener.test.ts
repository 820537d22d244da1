import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { connectPlain } from './raw-client.ts';

const DEAD = { scheme: 'unix', path: '/nonexistent/socket' } as const;

async function setUp(httpsPort: number | null = 8443) {
  return await startProxy({
    routes: [route(DEAD)],
    settings: { httpsPort },
    challenges: {
      'http-01:Good_token-1': { type: 'http-01', body: 'Good_token-1.thumbprint' },
      'tls-alpn-01:example.test': { type: 'tls-alpn-01', chain: '', key: '' },
    },
  });
}

async function ask(port: number, line: string, host = 'example.test') {
  const client = await connectPlain(port);
  return await client.send(`${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response(line.split(' ')[0]);
}

describe('a plain listener', () => {
  it.each([
    ['example.test', 'https://example.test'],
    ['example.test:8080', 'https://example.test:8443'],
    ['Example.TEST', 'https://Example.TEST'],
    ['no-route.test', 'https://no-route.test'],
    ['[::1]:80', 'https://[::1]:8443'],
    ['192.0.2.1', 'https://192.0.2.1'],
  ])('redirects %s to %s, path and query untouched', async (host, origin) => {
    const proxy = await setUp();
    const path = '/a%2Fb//c/../d?e=%zz;f&g=?';
    const response = await ask(proxy.plainPort, `GET ${path}`, host);
    expect(response.status).toBe(308);
    expect(response.field('location')).toBe(origin + path);
    expect(response.body).toBe('');
  });

  it('names no port where there is none to name, or the usual one', async () => {
    for (const port of [null, 443]) {
      const proxy = await setUp(port);
      const response = await ask(proxy.plainPort, 'GET /', 'example.test:8080');
      expect(response.field('location')).toBe('https://example.test/');
    }
  });

  it('redirects any method', async () => {
    const proxy = await setUp();
    const client = await connectPlain(proxy.plainPort);
    client.send('POST /form HTTP/1.1\r\nHost: example.test\r\nContent-Length: 3\r\n\r\nabc');
    expect((await client.response()).status).toBe(308);
    client.send('HEAD /next HTTP/1.1\r\nHost: example.test\r\n\r\n');
    expect((await client.response('HEAD')).field('location')).toBe('https://example.test/next');
  });

  it.each(['', 'a b', 'me@example.test', 'example.test/x', 'a,b'])(
    'refuses the host %j with 400',
    async (host) => {
      const proxy = await setUp();
      expect((await ask(proxy.plainPort, 'GET /', host)).status).toBe(400);
    },
  );

  it('opens no tunnels', async () => {
    const proxy = await setUp();
    expect((await ask(proxy.plainPort, 'CONNECT example.test:443')).status).toBe(405);
  });

  it('counts its redirects for the route, or for none', async () => {
    const proxy = await setUp();
    await ask(proxy.plainPort, 'GET /');
    await ask(proxy.plainPort, 'GET /', 'no-route.test');
    expect(proxy.counters.values().responses).toEqual({
      'route="example.test",status="308"': 1,
      'route="none",status="308"': 1,
    });
  });
});

describe('a challenge of http-01', () => {
  const path = '/.well-known/acme-challenge/';

  it.each(['example.test', 'not-a-route-yet.test'])('is answered before any redirect: %s', async (host) => {
    const proxy = await setUp();
    const response = await ask(proxy.plainPort, `GET ${path}Good_token-1`, host);
    expect(response.status).toBe(200);
    expect(response.body).toBe('Good_token-1.thumbprint');
  });

  it.each(['unknown', 'example.test', '../Good_token-1', 'Good_token-1/', ''])(
    'is redirected when nobody put it up: %j',
    async (token) => {
      const proxy = await setUp();
      const response = await ask(proxy.plainPort, `GET ${path}${token}`);
      expect(response.status).toBe(308);
      expect(response.field('location')).toBe(`https://example.test${path}${token}`);
    },
  );
});
