import { describe, expect, it } from 'vitest';
import { type ProxyOptions, route, startProxy, until } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectPlain, connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: example.test\r\n\r\n';

/** A data path that logs, with the entries so far. */
async function logging(options: ProxyOptions) {
  const entries: Record<string, unknown>[] = [];
  const proxy = await startProxy({ ...options, onAccessLine: (line) => entries.push(JSON.parse(line)) });
  /** Resolves with the entries when there are so many. */
  const logged = async (count: number) => {
    await until(() => entries.length >= count);
    return entries;
  };
  return { proxy, logged };
}

describe('the access log of a worker', () => {
  it('counts the bytes of bodies, not of heads and framing, in both protocols', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      if (more.endsWith('0\r\n\r\n') || more.endsWith('hello')) {
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n',
        );
      }
    });
    const { proxy, logged } = await logging({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('POST /1 HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send('5\r\nhello\r\n0\r\n\r\n');
    expect((await client.response()).body).toBe('abcdefg');
    await h2Request(proxy.port, { ':method': 'POST', ':path': '/2' }, 'hello');
    const counts = { bytesSent: 7, bytesReceived: 5, status: 200, complete: true };
    expect(await logged(2)).toMatchObject([
      { ...counts, target: '/1', protocol: 'HTTP/1.1' },
      { ...counts, target: '/2', protocol: 'HTTP/2' },
    ]);
  });

  it('says which upstream did not answer, and that its page went out', async () => {
    const { proxy, logged } = await logging({ routes: [route({ scheme: 'unix', path: '/nonexistent' })] });
    const client = await connectTls(proxy.port);
    const { body } = await client.send(GET).response();
    expect(await logged(1)).toMatchObject([
      {
        status: 502,
        upstream: 'unix:/nonexistent',
        upstreamMs: null,
        bytesSent: body.length,
        complete: true,
      },
    ]);
  });

  it.each([
    ['before the response', '', { status: 499, complete: false, bytesSent: 0, upstreamMs: null }],
    [
      'in the middle of it',
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc',
      { status: 200, complete: false, bytesSent: 3, upstreamMs: expect.any(Number) },
    ],
  ])('tells of a client that leaves %s', async (_, answer, expected) => {
    const upstream = await rawUpstream(({ socket }) => socket.write(answer));
    const { proxy, logged } = await logging({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(GET);
    if (answer === '') await until(() => upstream.received.endsWith('\r\n\r\n'));
    else await client.readUntil('abc');
    client.socket.destroy();
    expect(await logged(1)).toMatchObject([{ ...expected, target: '/x', route: 'example.test' }]);
  });

  it('tells of what is no request, and of requests that are refused', async () => {
    const { proxy, logged } = await logging({ routes: [] });
    for (const text of ['nonsense\r\n\r\n', 'GET / HTTP/1.1\r\nHost: u:secret@example.test\r\n\r\n']) {
      const client = await connectPlain(proxy.plainPort);
      expect((await client.send(text).response()).status).toBe(400);
    }
    const refused = { status: 400, scheme: 'http', peerAddress: '127.0.0.1', route: null };
    const [first, second] = await logged(2);
    expect(first).toMatchObject({ ...refused, method: null, target: null, host: null });
    expect(second).toMatchObject({ ...refused, method: 'GET', target: '/', host: 'example.test' });
  });

  it('names the client that a trusted proxy names', async () => {
    const upstream = await rawUpstream(answering(OK));
    const settings = { trustedProxies: ['127.0.0.1'] };
    const { proxy, logged } = await logging({ routes: [route(upstream)], settings });
    const client = await connectTls(proxy.port);
    await client.send(GET.replace('\r\n\r\n', '\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n')).response();
    expect(await logged(1)).toMatchObject([{ remoteAddress: '192.0.2.7', peerAddress: '127.0.0.1' }]);
  });

  it('tells of an upgraded connection when it is over', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      if (more.endsWith('\r\n\r\n')) {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      } else {
        socket.end('twelve bytes');
      }
    });
    const { proxy, logged } = await logging({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('GET /up HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    await client.readUntil('\r\n\r\n');
    client.send('hello');
    expect(await client.readToEnd()).toBe('twelve bytes');
    client.socket.end();
    expect(await logged(1)).toMatchObject([
      { target: '/up', status: 101, bytesSent: 12, bytesReceived: 5, complete: true },
    ]);
  });
});
