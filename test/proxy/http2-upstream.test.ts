import http2 from 'node:http2';
import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Request, h2Response } from './h2-client.ts';
import { echo, http2Upstream } from './http2-upstream-server.ts';
import { connectTls } from './raw-client.ts';

const GET = 'GET /path?query HTTP/1.1\r\nHost: example.test\r\n\r\n';

describe('an HTTP/1.1 client of an upstream that speaks HTTP/2', () => {
  it('is answered over one connection, request after request', async () => {
    const upstream = await http2Upstream(echo);
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 3; n++) {
      const response = await client.send(GET).response();
      expect([response.status, response.body]).toEqual([200, 'GET /path?query ']);
    }
    expect(upstream.sessions).toHaveLength(1);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('sends what HTTP/2 can carry, and nothing else', async () => {
    let seen: readonly string[] = [];
    const upstream = await http2Upstream((stream, _, rawHeaders) => {
      seen = rawHeaders;
      stream.respond({ ':status': 200, 'x-answer': ['a', 'b'], 'set-cookie': ['c=1', 'd=2'] });
      stream.end('ok');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const lines = [
      'Host: example.test',
      'X-Many: 1',
      'x-many: 2',
      'Cookie: a=1; b=2',
      'Connection: keep-alive, X-Mine',
      'Keep-Alive: 5',
      'Proxy-Connection: x',
      'TE: gzip, trailers',
      'X-Mine: x',
      'Upgrade: other',
      'HTTP2-Settings: x',
      'Trailer: x',
      'Expect: 100-continue',
      'X-Latin: \xe9',
    ];
    const response = await client.send(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`).response();
    expect(response.body).toBe('ok');
    expect(response.fields.filter((line) => /^(x-answer|set-cookie)/.test(line))).toEqual([
      'x-answer: a',
      'x-answer: b',
      'set-cookie: c=1',
      'set-cookie: d=2',
    ]);
    const sent = seen.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${seen[index + 1]}`] : []));
    expect(sent).toEqual([
      ':method: GET',
      ':scheme: http',
      ':authority: example.test',
      ':path: /',
      'x-many: 1',
      'x-many: 2',
      'cookie: a=1; b=2',
      'x-latin: \xe9',
      'te: trailers',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: example.test',
      'x-forwarded-proto: https',
    ]);
  });

  it.each([
    ['HEAD', 200, { 'content-length': '5' }, '5'],
    ['GET', 204, {}, null],
    ['GET', 304, { 'content-length': '5' }, '5'],
    ['GET', 200, {}, '0'],
    ['GET', 200, { 'content-length': '0' }, '0'],
    ['POST', 404, {}, '0'],
  ] as const)('%s %i %o has no body, and the connection goes on', async (method, status, fields, length) => {
    const upstream = await http2Upstream((stream) =>
      stream.respond({ ':status': status, ...fields }, { endStream: true }),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 2; n++) {
      const request = `${method} / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 0\r\n\r\n`;
      const response = await client.send(request).response(method);
      expect([response.status, response.field('content-length')]).toEqual([status, length]);
    }
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('gets a body of unknown length in chunks, with trailers', async () => {
    const upstream = await http2Upstream((stream) => {
      stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1', 'x-more': '2' }));
      stream.end('body');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const response = await (await connectTls(proxy.port)).send(GET).response();
    expect(response.body).toBe('body');
    expect(response.trailers).toEqual(['x-sum: 1', 'x-more: 2']);
    const again = await h2Request(proxy.port, { te: 'trailers' });
    expect(again.trailers).toMatchObject({ 'x-sum': '1', 'x-more': '2' });
  });

  it('sends bodies of known and unknown length, with trailers', async () => {
    const seen: unknown[] = [];
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      seen.push(headers['content-length'] ?? headers['trailer']);
      stream.on('trailers', (trailers) => seen.push(trailers['x-sum']));
      echo(stream, headers, rawHeaders);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\n12345');
    expect((await client.response()).body).toBe('POST / 12345');
    client.send(
      'PUT / HTTP/1.1\r\nHost: example.test\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    client.send('3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\nHost: no\r\n\r\n');
    expect((await client.response()).body).toBe('PUT / abcde');
    expect(seen).toEqual(['5', 'X-Sum', '1']);
  });

  it('gets interim responses, and waits for 100', async () => {
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      if (headers.expect !== undefined) stream.additionalHeaders({ ':status': 100 });
      echo(stream, headers, rawHeaders);
    });
    upstream.server.on('checkContinue', () => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    const early = await client.response();
    expect([early.status, early.field('link')]).toEqual([103, '</a>']);
    expect((await client.response()).status).toBe(100);
    client.send('ab');
    expect((await client.response()).body).toBe('POST / ab');
  });
});

describe('requests side by side', () => {
  it('share a connection, up to what the upstream allows, and then open another', async () => {
    const open: (() => void)[] = [];
    const upstream = await http2Upstream(
      (stream, headers) => {
        open.push(() => {
          stream.respond({ ':status': 200 });
          stream.end(String(headers[':path']));
        });
        if (open.length === 50) for (const answer of open) answer();
      },
      { settings: { maxConcurrentStreams: 10 } },
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const bodies = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const stream = session.request({ ':path': `/${n}`, ':authority': 'example.test' });
        return (await h2Response(stream)).body;
      }),
    );
    expect(bodies).toEqual(Array.from({ length: 50 }, (_, n) => `/${n}`));
    expect(upstream.sessions).toHaveLength(5);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('wait for an upstream that takes one at a time', async () => {
    const upstream = await http2Upstream(echo, { settings: { maxConcurrentStreams: 1 } });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const statuses = await Promise.all(
      Array.from({ length: 90 }, async () => {
        const stream = session.request({ ':authority': 'example.test' });
        return (await h2Response(stream)).status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(upstream.sessions.length).toBeLessThanOrEqual(90);
  });

  it('leave each other alone: who does not read stops its own stream', async () => {
    let sent = 0;
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      if (headers[':path'] !== '/endless') return echo(stream, headers, rawHeaders);
      stream.respond({ ':status': 200 });
      const more = () => {
        while (!stream.destroyed) {
          sent += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) break;
        }
      };
      stream.on('drain', more);
      more();
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const readers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = await connectTls(proxy.port);
        client.send('GET /endless HTTP/1.1\r\nHost: example.test\r\n\r\n');
        client.socket.pause();
        return client;
      }),
    );
    const before = { sent: -1 };
    while (sent !== before.sent) {
      before.sent = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const other = await connectTls(proxy.port);
    expect((await other.send(GET).response()).status).toBe(200);
    expect(upstream.sessions).toHaveLength(1);
    // 256 KiB here, and what the sockets on the way to the client take.
    expect(sent / readers.length).toBeLessThan(8_000_000);
    for (const { socket } of readers) socket.destroy();
    expect((await other.send(GET).response()).status).toBe(200);
  });
});

describe('large bodies', () => {
  const SIZE = 20_000_000;

  it('go up at the pace of the upstream', async () => {
    const upstream = await http2Upstream((stream) => {
      let bytes = 0;
      stream.pause();
      setTimeout(() => stream.resume(), 200);
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end(String(bytes));
      });
      stream.pause();
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(`POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${SIZE}\r\n\r\n`);
    for (let sent = 0; sent < SIZE; sent += 1_000_000) client.send(Buffer.alloc(1_000_000));
    expect((await client.response()).body).toBe(String(SIZE));
  });

  it('come down at the pace of the client', async () => {
    const upstream = await http2Upstream((stream) => {
      stream.respond({ ':status': 200, 'content-length': SIZE });
      let left = SIZE;
      const more = () => {
        while (left > 0) {
          const length = Math.min(left, 100_000);
          left -= length;
          if (!stream.write(Buffer.alloc(length))) return;
        }
        stream.end();
      };
      stream.on('drain', more);
      more();
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.socket.removeAllListeners('data');
    client.send(GET);
    let bytes = 0;
    let head = 0;
    client.socket.on('data', (text: string) => {
      if (head === 0) head = text.indexOf('\r\n\r\n') + 4;
      bytes += text.length;
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
    await until(() => head > 0 && bytes - head >= SIZE);
    expect(bytes - head).toBe(SIZE);
  });
});

describe('the end of a request before its time', () => {
  it('a client that leaves resets its stream only', async () => {
    const codes: number[] = [];
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      if (headers[':path'] === '/wait') stream.on('close', () => codes.push(stream.rstCode));
      else echo(stream, headers, rawHeaders);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const leaving = await connectTls(proxy.port);
    leaving.send('GET /wait HTTP/1.1\r\nHost: example.test\r\n\r\n');
    const staying = await connectTls(proxy.port);
    expect((await staying.send(GET).response()).status).toBe(200);
    leaving.socket.destroy();
    await until(() => codes.length > 0);
    expect(codes).toEqual([http2.constants.NGHTTP2_CANCEL]);
    expect((await staying.send(GET).response()).status).toBe(200);
    expect(upstream.sessions).toHaveLength(1);
  });

  it('an upstream that answers early stops the upload, and its connection is used on', async () => {
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      if (headers[':method'] !== 'POST') return echo(stream, headers, rawHeaders);
      stream.respond({ ':status': 413, 'content-length': 3 });
      stream.end('big');
      stream.on('finish', () => stream.close(http2.constants.NGHTTP2_NO_ERROR));
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000000\r\n\r\nbegun');
    const response = await client.response();
    expect([response.status, response.body]).toEqual([413, 'big']);
    const other = await connectTls(proxy.port);
    expect((await other.send(GET).response()).status).toBe(200);
    expect(upstream.sessions).toHaveLength(1);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('an upstream that leaves in the middle of a body breaks the response', async () => {
    const upstream = await http2Upstream((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('half');
      setTimeout(() => stream.session?.destroy(), 50);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect(await client.send(GET).readToEnd()).not.toMatch(/\r\n0\r\n/);
    expect(proxy.counters.values().upstreamErrors).toMatchObject({
      'route="example.test",kind="reset"': 1,
    });
  });
});

describe('a request that the upstream has refused to look at', () => {
  const post = (body: string) =>
    `POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('is sent again, with its body', async () => {
    let refusals = 2;
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      if (refusals-- > 0) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      else echo(stream, headers, rawHeaders);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(post('abc')).response()).body).toBe('POST / abc');
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('is not sent for ever', async () => {
    let asked = 0;
    const upstream = await http2Upstream((stream) => {
      asked += 1;
      stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(post('abc')).response()).status).toBe(502);
    expect(asked).toBe(3);
  });

  it('is lost when there is too much of it to keep', async () => {
    const upstream = await http2Upstream((stream) => {
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > 100_000) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      });
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(post('x'.repeat(200_000))).response()).status).toBe(502);
  });

  it('a connection that the upstream closes in good order loses nothing', async () => {
    let asked = 0;
    const upstream = await http2Upstream((stream, headers, rawHeaders) => {
      echo(stream, headers, rawHeaders);
      asked += 1;
      // From the next stream on, what comes over this session is refused.
      if (asked % 12 === 0) stream.session?.close();
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const wrong: unknown[] = [];
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const stream = session.request({ ':method': 'POST', ':authority': 'example.test' });
          stream.end('abc');
          const { status, body } = await h2Response(stream);
          if (status !== 200 || body !== 'POST / abc') wrong.push({ status, body });
        }),
      );
    }
    expect(wrong).toEqual([]);
    expect(upstream.sessions.length).toBeGreaterThan(3);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });
});
