import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

describe('path and query', () => {
  it.each([
    '/a%2Fb/%2e%2e/c',
    '//double//slash',
    '/../up',
    '/a;b=c;d',
    '/?a=1;b=%zz&c',
    "/!$&'()*+,:@",
    '/%',
    '/a?b?c#'.slice(0, -1),
  ])('reach the upstream byte for byte: %s', async (path) => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send(`GET ${path} HTTP/1.1\r\nHost: example.test\r\n\r\n`).response();
    expect(response.status).toBe(200);
    expect(upstream.received.split('\r\n')[0]).toBe(`GET ${path} HTTP/1.1`);
  });

  it('lose the authority of an absolute target', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const request = 'GET https://EXAMPLE.test?x=%2F HTTP/1.1\r\nHost: example.test:443\r\n\r\n';
    expect((await client.send(request).response()).status).toBe(200);
    expect(upstream.received.split('\r\n')[0]).toBe('GET /?x=%2F HTTP/1.1');
  });
});
