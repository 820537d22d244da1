import { describe, expect, it } from 'vitest';
import { RoutingTable } from '../../src/routing/table.ts';
import { route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

async function twoSites(fallback?: number) {
  const first = await rawUpstream(answering(OK));
  const second = await rawUpstream(answering(OK));
  const routes = [route(first), route(second, { names: ['*.example.test', 'second.test'] })];
  const proxy = await startProxy({ routes, ...(fallback === undefined ? {} : { fallback }) });
  return { first, second, proxy };
}

async function ask(port: number, host: string): Promise<number> {
  const client = await connectTls(port);
  return (await client.send(`GET / HTTP/1.1\r\n${host}\r\n\r\n`).response()).status;
}

describe('the host of a request', () => {
  it.each(['example.test', 'EXAMPLE.test', 'example.test:8443', 'example.test.', 'example.test:'])(
    'finds its route: %s',
    async (host) => {
      const { first, second, proxy } = await twoSites();
      expect(await ask(proxy.port, `Host: ${host}`)).toBe(200);
      expect(first.received).toContain(`Host: ${host}\r\n`);
      expect(second.received).toBe('');
    },
  );

  it('matches one label of a wildcard', async () => {
    const { second, proxy } = await twoSites();
    expect(await ask(proxy.port, 'Host: www.example.test')).toBe(200);
    expect(second.received).toContain('Host: www.example.test\r\n');
    expect(await ask(proxy.port, 'Host: a.www.example.test')).toBe(421);
  });

  it('gets 421 and no upstream when no route has it', async () => {
    const { first, second, proxy } = await twoSites();
    expect(await ask(proxy.port, 'Host: other.test')).toBe(421);
    expect(await ask(proxy.port, 'Host: 127.0.0.1')).toBe(421);
    expect(first.received + second.received).toBe('');
    expect(proxy.counters.values().responses).toEqual({ 'route="none",status="421"': 2 });
  });

  it('is found anew for each request of a connection, and told to the upstream', async () => {
    const { first, second, proxy } = await twoSites();
    const client = await connectTls(proxy.port);
    for (const host of ['example.test', 'example.test', 'second.test', 'Example.test', 'other.test']) {
      const { status } = await client.send(`GET /${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response();
      expect(status).toBe(host === 'other.test' ? 421 : 200);
    }
    const told = (received: string) => received.match(/^(GET|Host|X-Forwarded-Host).*$/gm);
    expect(told(first.received)).toEqual(
      ['example.test', 'example.test', 'Example.test'].flatMap((host) => [
        `GET /${host} HTTP/1.1`,
        `Host: ${host}`,
        `X-Forwarded-Host: ${host}`,
      ]),
    );
    expect(told(second.received)).toEqual([
      'GET /second.test HTTP/1.1',
      'Host: second.test',
      'X-Forwarded-Host: second.test',
    ]);
  });

  it('goes to the fallback when there is one', async () => {
    const { first, proxy } = await twoSites(0);
    expect(await ask(proxy.port, 'Host: other.test')).toBe(200);
    expect(first.received).toContain('Host: other.test\r\n');
  });

  it.each([
    ['none', 'X: y'],
    ['two', 'Host: example.test\r\nHost: example.test'],
    ['an empty one', 'Host: '],
    ['a list', 'Host: example.test, second.test'],
    ['a user', 'Host: me@example.test'],
    ['a path', 'Host: example.test/a'],
    ['a space', 'Host: example.test second.test'],
    ['an escape', 'Host: example%2etest'],
    ['a bad port', 'Host: example.test:99999'],
    ['letters in the port', 'Host: example.test:80a'],
    ['an empty label', 'Host: example..test'],
    ['a bad address', 'Host: [::g]'],
    ['bytes beyond ASCII', 'Host: ex\xe4mple.test'],
  ])('is refused with 400 and the connection closed: %s', async (_, host) => {
    const { first, second, proxy } = await twoSites(0);
    const client = await connectTls(proxy.port);
    const response = await client.send(`GET / HTTP/1.1\r\n${host}\r\n\r\n`).response();
    expect(response.status).toBe(400);
    expect(response.field('connection')).toBe('close');
    await client.readToEnd();
    expect(first.received + second.received).toBe('');
  });

  it.each([
    ['GET https://second.test/ HTTP/1.1', 'example.test'],
    ['GET https://example.test:1/ HTTP/1.1', 'example.test'],
    ['GET https://me@example.test/ HTTP/1.1', 'example.test'],
    ['GET ftp://example.test/ HTTP/1.1', 'example.test'],
    ['GET * HTTP/1.1', 'example.test'],
    ['GET /a#b HTTP/1.1', 'example.test'],
  ])('must agree with the target: %s', async (line, host) => {
    const { first, second, proxy } = await twoSites();
    const client = await connectTls(proxy.port);
    expect((await client.send(`${line}\r\nHost: ${host}\r\n\r\n`).response()).status).toBe(400);
    expect(first.received + second.received).toBe('');
  });

  it('is read once a request, from the snapshot of that moment', async () => {
    const { first, second, proxy } = await twoSites();
    const client = await connectTls(proxy.port);
    const request = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';
    expect((await client.send(request).response()).status).toBe(200);
    proxy.publish((snapshot) => ({ ...snapshot, table: new RoutingTable([route(second)]) }));
    expect((await client.send(request).response()).status).toBe(200);
    expect(first.connections).toHaveLength(1);
    expect(second.connections).toHaveLength(1);
  });

  it('of HTTP/2 is its :authority, and both must agree', async () => {
    const { first, proxy } = await twoSites();
    expect((await h2Request(proxy.port, { ':authority': 'example.test' })).status).toBe(200);
    expect(first.received).toContain('Host: example.test\r\n');
    expect((await h2Request(proxy.port, { ':authority': 'other.test' })).status).toBe(421);
    expect((await h2Request(proxy.port, { ':authority': 'example.test', host: 'other.test' })).status).toBe(
      400,
    );
    await expect(h2Request(proxy.port, { ':path': '*' })).rejects.toThrow();
  });
});

describe('requests that are about the server', () => {
  it('OPTIONS * is answered without an upstream', async () => {
    const { first, proxy } = await twoSites();
    const client = await connectTls(proxy.port);
    const response = await client.send('OPTIONS * HTTP/1.1\r\nHost: example.test\r\n\r\n').response();
    expect(response.status).toBe(200);
    expect(response.field('content-length')).toBe('0');
    expect(first.received).toBe('');
  });

  it('CONNECT is refused and the connection closed', async () => {
    const { first, proxy } = await twoSites(0);
    const client = await connectTls(proxy.port);
    const response = await client
      .send('CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\nGET / HTTP/1.1\r\n\r\n')
      .response();
    expect(response.status).toBe(405);
    expect(await client.readToEnd()).toBe('');
    expect(first.received).toBe('');
  });
});
