import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const CHUNKED =
  'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n' +
  '2\r\nok\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\nSet-Cookie: no\r\n\r\n';

describe('trailers of a response', () => {
  it('reach an HTTP/1.1 client, except those that do not belong there', async () => {
    const upstream = await rawUpstream(answering(CHUNKED));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client
      .send('GET / HTTP/1.1\r\nHost: example.test\r\nTE: trailers\r\n\r\n')
      .response();
    expect(response.field('trailer')).toBe('X-Sum');
    expect(response.body).toBe('ok');
    expect(response.trailers).toEqual(['X-Sum: 1', 'x-sum: 2']);
    expect(upstream.received).toContain('\r\nTE: trailers\r\n');
    expect(upstream.received).toMatch(/\r\nConnection: .*\bTE\b/);
  });

  it('reach an HTTP/2 client', async () => {
    const upstream = await rawUpstream(answering(CHUNKED));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request({ ':authority': 'example.test', te: 'trailers' });
    const response = await h2Response(stream);
    expect(response.body).toBe('ok');
    expect(response.trailers).toMatchObject({ 'x-sum': '1, 2' });
    expect(response.trailers).not.toHaveProperty('set-cookie');
  });

  it('are nothing for an HTTP/1.0 client', async () => {
    const upstream = await rawUpstream(answering(CHUNKED));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send('GET / HTTP/1.0\r\nHost: example.test\r\n\r\n').response();
    expect(response.field('trailer')).toBeNull();
    expect(response.body).toBe('ok');
  });
});

describe('trailers of a request', () => {
  const answer = (socket: { write: (text: string) => void }, received: string) => {
    if (received.includes('X-Sum: 1\r\n\r\n')) socket.write(OK);
  };

  it('reach the upstream', async () => {
    const upstream = await rawUpstream(({ socket, received }) => answer(socket, received));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(
      'POST / HTTP/1.1\r\nHost: example.test\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    client.send('2\r\nab\r\n0\r\nX-Forwarded-For: 1.1.1.1\r\nAuthorization: x\r\nX-Sum: 1\r\n\r\n');
    expect((await client.response()).body).toBe('ok');
    expect(upstream.received).toContain('\r\nTrailer: X-Sum\r\n');
    expect(upstream.received.endsWith('2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n')).toBe(true);
  });

  it('reach it from HTTP/2, too', async () => {
    const upstream = await rawUpstream(({ socket, received }) =>
      answer(socket, received.replace('x-sum', 'X-Sum')),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(
      { ':method': 'POST', ':authority': 'example.test' },
      { endStream: false, waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
    stream.end('ab');
    expect((await h2Response(stream)).body).toBe('ok');
    expect(upstream.received).toContain('0\r\nx-sum: 1\r\n\r\n');
  });
});
