import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { connectH2, h2Request, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, rawUpstream } from './upstream-servers.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';

async function clientOf(answer: string, end = false) {
  const upstream = await rawUpstream((connection, more) => {
    answering(answer)(connection, more);
    if (end) connection.socket.end();
  });
  const proxy = await startProxy({ routes: [route(upstream)] });
  return { proxy, client: await connectTls(proxy.port) };
}

describe('a response', () => {
  it('keeps the order, the spelling and the repetitions of its fields', async () => {
    const { client } = await clientOf(
      'HTTP/1.1 200 OK\r\nx-B: 1\r\nSet-Cookie: a\r\nX-a: \xe9\r\nset-cookie: b\r\nContent-Length: 2\r\n' +
        'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: a/b\r\ncontent-type: c/d\r\n\r\nok',
    );
    const { fields } = await client.send(GET).response();
    expect(fields.slice(0, 8)).toEqual([
      'x-B: 1',
      'Set-Cookie: a',
      'X-a: \xe9',
      'set-cookie: b',
      'Content-Length: 2',
      'Date: Thu, 01 Jan 1970 00:00:00 GMT',
      'Content-Type: a/b',
      'content-type: c/d',
    ]);
  });

  it('loses what belongs to the upstream’s connection', async () => {
    const answer =
      'HTTP/1.1 200 OK\r\nConnection: X-Hop, Content-Length\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nUpgrade: h2\r\n' +
      'Proxy-Connection: x\r\nContent-Length: 2\r\n\r\nok';
    const { client, proxy } = await clientOf(answer);
    const response = await client.send(GET).response();
    expect(response.body).toBe('ok');
    expect(response.field('x-hop')).toBeNull();
    expect(response.field('upgrade')).toBeNull();
    const over2 = await h2Request(proxy.port, {});
    expect(Object.keys(over2.headers).sort()).toEqual([':status', 'content-length', 'date']);
  });

  it('to HEAD keeps its length and has no body', async () => {
    const { client, proxy } = await clientOf('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    const head = GET.replace('GET', 'HEAD');
    expect((await client.send(head).response('HEAD')).field('content-length')).toBe('5');
    expect((await client.send(head).response('HEAD')).status).toBe(200);
    expect((await h2Request(proxy.port, { ':method': 'HEAD' })).headers['content-length']).toBe('5');
  });

  it.each([204, 304])('with %i has no body, and the next one follows', async (status) => {
    const { client, proxy } = await clientOf(`HTTP/1.1 ${status} X\r\nETag: "a"\r\n\r\n`);
    for (let n = 0; n < 2; n++) {
      const response = await client.send(GET).response();
      expect([response.status, response.field('etag')]).toEqual([status, '"a"']);
      expect(response.field('transfer-encoding')).toBeNull();
    }
    expect((await h2Request(proxy.port, {})).status).toBe(status);
  });

  it('that ends with the upstream’s connection is chunked for the client', async () => {
    const { client, proxy } = await clientOf('HTTP/1.1 200 OK\r\n\r\nuntil the end', true);
    const response = await client.send(GET).response();
    expect(response.field('transfer-encoding')).toBe('chunked');
    expect(response.body).toBe('until the end');
    expect((await client.send(GET).response()).body).toBe('until the end');
    expect((await h2Request(proxy.port, {})).body).toBe('until the end');
  });

  it('from HTTP/1.0 is understood', async () => {
    const { client } = await clientOf('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', true);
    expect((await client.send(GET).response()).body).toBe('ok');
    expect((await client.send(GET).response()).body).toBe('ok');
  });

  it('to HTTP/1.0 is never chunked and ends with the connection', async () => {
    const { client } = await clientOf(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    const response = await client.send('GET / HTTP/1.0\r\nHost: example.test\r\n\r\n').response();
    expect(response.field('transfer-encoding')).toBeNull();
    expect(response.body).toBe('ok');
    expect(client.closed).toBe(true);
  });

  it('of any status from 200 to 599 passes', async () => {
    const { client, proxy } = await clientOf('HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n');
    expect((await client.send(GET).response()).status).toBe(599);
    const stream = (await connectH2(proxy.port)).request({ ':authority': 'example.test' });
    expect((await h2Response(stream)).status).toBe(599);
  });
});
