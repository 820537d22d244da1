import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectPlain, connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const HEAD = 'GET / HTTP/1.1\r\nHost: example.test\r\n';

function fields(count: number, size = 1): string {
  return Array.from({ length: count }, (_, index) => `X-${index}: ${'a'.repeat(size)}\r\n`).join('');
}

async function setUp(limits = {}) {
  const upstream = await rawUpstream(answering(OK));
  return { upstream, proxy: await startProxy({ routes: [route(upstream)], limits }) };
}

describe('the head of a request', () => {
  it('may have 100 fields, all of which are passed on', async () => {
    const { upstream, proxy } = await setUp();
    const client = await connectTls(proxy.port);
    expect((await client.send(`${HEAD}${fields(99)}\r\n`).response()).status).toBe(200);
    expect(upstream.received).toContain('\r\nX-98: a\r\n');
  });

  it('gets 431 for one field more, and the connection is closed', async () => {
    const { upstream, proxy } = await setUp();
    const client = await connectTls(proxy.port);
    expect((await client.send(`${HEAD}${fields(100)}\r\n`).response()).status).toBe(431);
    await client.readToEnd();
    expect(upstream.received).toBe('');
    expect(proxy.counters.values().responses).toEqual({ 'route="none",status="431"': 1 });
  });

  it('gets 431 for more than 16 KiB', async () => {
    const { upstream, proxy } = await setUp();
    const client = await connectTls(proxy.port);
    expect((await client.send(`${HEAD}${fields(10, 1_700)}\r\n`).response()).status).toBe(431);
    expect(upstream.received).toBe('');
    expect(proxy.counters.values().responses).toEqual({ 'route="none",status="431"': 1 });
  });

  it('gets 431 over HTTP/2, too', async () => {
    const { upstream, proxy } = await setUp();
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'a']));
    const large = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`x-${index}`, 'a'.repeat(1_700)]),
    );
    expect((await h2Request(proxy.port, many)).status).toBe(431);
    expect((await h2Request(proxy.port, large)).status).toBe(431);
    expect(upstream.received).toBe('');
  });

  it('gets 408 when it does not come in time', async () => {
    const { proxy } = await setUp({ headTimeoutMs: 200 });
    for (const connect of [() => connectTls(proxy.port), () => connectPlain(proxy.plainPort)]) {
      const client = await connect();
      const response = await client.send(HEAD).response();
      expect(response.status).toBe(408);
      expect(response.field('connection')).toBe('close');
      await client.readToEnd();
    }
  });

  it('closes a connection on which nothing came, without a word', async () => {
    const { proxy } = await setUp({ headTimeoutMs: 200 });
    expect(await (await connectPlain(proxy.plainPort)).readToEnd()).toBe('');
    expect(await (await connectTls(proxy.port)).readToEnd()).toBe('');
  });

  it('that is not HTTP gets 400', async () => {
    const { proxy } = await setUp();
    const client = await connectPlain(proxy.plainPort);
    expect((await client.send('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03').response()).status).toBe(400);
  });
});

describe('a connection between requests', () => {
  it('is closed after the keep-alive time', async () => {
    const { proxy } = await setUp({ keepAliveMs: 100 });
    const client = await connectTls(proxy.port);
    expect((await client.send(`${HEAD}\r\n`).response()).status).toBe(200);
    expect((await client.send(`${HEAD}\r\n`).response()).status).toBe(200);
    expect(await client.readToEnd()).toBe('');
  });
});
