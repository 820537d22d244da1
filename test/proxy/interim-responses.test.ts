import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';

describe('an interim response', () => {
  it('reaches an HTTP/1.1 client before the final one', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.write(HINTS));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const hints = await client.send(GET).response();
    expect(hints.status).toBe(103);
    expect(hints.fields).toEqual(['Link: </a.css>; rel=preload', 'Link: </b.js>; rel=preload']);
    upstream.connections[0]?.socket.write(HINTS + OK);
    expect((await client.response()).status).toBe(103);
    expect((await client.response()).body).toBe('ok');
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="200"': 1 });
  });

  it('reaches an HTTP/2 client', async () => {
    const upstream = await rawUpstream(answering(HINTS + OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request({ ':authority': 'example.test' });
    const interim: unknown[] = [];
    stream.on('headers', (headers) => interim.push([headers[':status'], headers['link']]));
    expect((await h2Response(stream)).status).toBe(200);
    expect(interim).toEqual([[103, '</a.css>; rel=preload, </b.js>; rel=preload']]);
  });

  it('is nothing for an HTTP/1.0 client', async () => {
    const upstream = await rawUpstream(answering(HINTS + OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send('GET / HTTP/1.0\r\nHost: example.test\r\n\r\n').response();
    expect(response.status).toBe(200);
  });
});

describe('Expect: 100-continue', () => {
  const HEAD = 'POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n';

  it('is for the upstream to answer', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      if (more.endsWith('abc')) socket.write(OK);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(HEAD);
    await until(() => upstream.received.endsWith('\r\n\r\n'));
    expect(upstream.received).toContain('\r\nExpect: 100-continue\r\n');
    upstream.connections[0]?.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    expect((await client.response()).status).toBe(100);
    expect((await client.send('abc').response()).body).toBe('ok');
  });

  it('may be answered with a refusal, after which the connection ends', async () => {
    const upstream = await rawUpstream(({ socket }) => {
      socket.write('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send(HEAD).response();
    expect(response.status).toBe(417);
    expect(response.field('connection')).toBe('close');
    expect(upstream.received).not.toContain('abc');
  });

  it('does not hold up a client that does not wait', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      if (more.endsWith('abc')) socket.write(OK);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(`${HEAD}abc`).response()).body).toBe('ok');
  });

  it('works over HTTP/2', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      socket.write(more.endsWith('\r\n\r\n') && !more.includes('abc') ? 'HTTP/1.1 100 Continue\r\n\r\n' : OK);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(
      { ':method': 'POST', ':authority': 'example.test', expect: '100-continue', 'content-length': '3' },
      { endStream: false },
    );
    stream.on('continue', () => stream.end('abc'));
    expect((await h2Response(stream)).body).toBe('ok');
    expect(upstream.received).toContain('abc');
  });

  it('is dropped from a request without body', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\nExpect: 100-continue\r\n\r\n');
    expect((await client.response()).status).toBe(200);
    expect(upstream.received).not.toContain('Expect');
  });
});
