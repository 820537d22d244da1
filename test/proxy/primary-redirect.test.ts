import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const NAMES = ['Example.test', 'www.example.test', '*.example.test'];

async function setUp(names = NAMES) {
  const upstream = await rawUpstream(answering(OK));
  return await startProxy({ routes: [route(upstream, { names, redirectToPrimary: true })], fallback: 0 });
}

async function ask(port: number, host: string, target = '/a%2Fb?c;d') {
  const client = await connectTls(port);
  return await client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response();
}

describe('redirect-to-primary', () => {
  it.each([
    ['www.example.test', 'https://example.test/a%2Fb?c;d'],
    ['WWW.example.test', 'https://example.test/a%2Fb?c;d'],
    ['other.example.test', 'https://example.test/a%2Fb?c;d'],
    ['www.example.test:8443', 'https://example.test:8443/a%2Fb?c;d'],
    ['www.example.test:443', 'https://example.test/a%2Fb?c;d'],
    ['only-the-fallback.test', 'https://example.test/a%2Fb?c;d'],
  ])('leads %s to %s', async (host, location) => {
    const proxy = await setUp();
    const response = await ask(proxy.port, host);
    expect(response.status).toBe(308);
    expect(response.field('location')).toBe(location);
    expect(response.body).toBe('');
  });

  it.each(['example.test', 'EXAMPLE.test', 'example.test.', 'example.test:8443'])(
    'leaves the primary name alone: %s',
    async (host) => {
      const proxy = await setUp(['example.test', 'www.example.test']);
      expect((await ask(proxy.port, host)).status).toBe(200);
    },
  );

  it('works over HTTP/2', async () => {
    const proxy = await setUp();
    const response = await h2Request(proxy.port, { ':authority': 'www.example.test', ':path': '/x' });
    expect(response.status).toBe(308);
    expect(response.headers.location).toBe('https://example.test/x');
  });
});
