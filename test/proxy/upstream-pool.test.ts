import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 3\r\n\r\nabc';

describe('connections to an upstream', () => {
  it('are used again', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    for (let n = 0; n < 3; n++) {
      const client = await connectTls(proxy.port);
      expect((await client.send(GET).response()).status).toBe(200);
    }
    expect(upstream.connections).toHaveLength(1);
  });

  it('are used again after HEAD, 204, 304 and empty responses', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      const status = /\/(\d+)/.exec(more)?.[1];
      socket.write(`HTTP/1.1 ${status} X\r\n${status === '200' ? 'Content-Length: 5\r\n' : ''}\r\n`);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
      ['HEAD', 200],
    ] as const) {
      client.send(`${method} /${status} HTTP/1.1\r\nHost: example.test\r\n\r\n`);
      expect((await client.response(method)).status).toBe(status);
    }
    expect(upstream.connections).toHaveLength(1);
  });

  it('are closed when nobody used them for a while', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)], limits: { upstreamIdleMs: 50 } });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).status).toBe(200);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    expect((await client.send(GET).response()).status).toBe(200);
  });

  it('are not used again when the upstream says so', async () => {
    const upstream = await rawUpstream(
      answering('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 2; n++) {
      const response = await client.send(GET).response();
      expect(response.status).toBe(200);
      expect(response.field('connection')).not.toBe('close');
    }
    expect(upstream.connections).toHaveLength(2);
  });

  it('are not used again when the response was over before the request', async () => {
    // The upstream answers the head and never reads the body: what comes next on this connection is not a request.
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.endsWith('\r\n\r\n')) socket.write(OK);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const early = await connectTls(proxy.port);
    early.send('POST /early HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\n');
    expect((await early.response()).body).toBe('ok');
    const other = await connectTls(proxy.port);
    expect((await other.send(GET).response()).body).toBe('ok');
    expect(upstream.connections).toHaveLength(2);
    expect(upstream.connections[1]?.received.startsWith('GET / ')).toBe(true);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    early.send('0123456789');
    expect((await early.send(GET).response()).body).toBe('ok');
  });
});

describe('a kept connection that the upstream closed at the moment of its use', () => {
  /** Answers the first request on a connection, and hangs up on the second. */
  async function closing() {
    return await rawUpstream(({ socket, received }) => {
      if (received.indexOf('HTTP/1.1') === received.lastIndexOf('HTTP/1.1')) socket.write(OK);
      else socket.destroy();
    });
  }

  it('costs nothing where asking twice does no harm', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      const upstream = await closing();
      const proxy = await startProxy({ routes: [route(upstream)] });
      const client = await connectTls(proxy.port);
      const request = `${method} / HTTP/1.1\r\nHost: example.test\r\n\r\n`;
      const method1 = method === 'HEAD' ? 'HEAD' : 'GET';
      client.send(GET);
      expect((await client.response()).status).toBe(200);
      expect((await client.send(request).response(method1)).status).toBe(200);
      expect(upstream.connections).toHaveLength(2);
      expect(proxy.counters.values().upstreamErrors).toEqual({});
    }
  });

  it('costs a 502 where it could do harm', async () => {
    for (const request of [
      POST,
      POST.replace('POST', 'PUT'),
      'POST / HTTP/1.1\r\nHost: example.test\r\n\r\n',
    ]) {
      const upstream = await closing();
      const proxy = await startProxy({ routes: [route(upstream)] });
      const client = await connectTls(proxy.port);
      expect((await client.send(GET).response()).status).toBe(200);
      expect((await client.send(request).response()).status).toBe(502);
      expect(upstream.connections).toHaveLength(1);
    }
  });

  it('is tried once more, not for ever', async () => {
    let answered = false;
    const upstream = await rawUpstream(({ socket }) => {
      if (answered) socket.destroy();
      else socket.write(OK);
      answered = true;
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).status).toBe(200);
    expect((await client.send(GET).response()).status).toBe(502);
    expect(upstream.connections).toHaveLength(2);
  });

  it('is not asked again on a connection that was new', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.destroy());
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    expect((await h2Response(session.request({ ':authority': 'example.test' }))).status).toBe(502);
    expect(upstream.connections).toHaveLength(1);
  });
});
