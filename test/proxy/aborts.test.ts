import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { rawUpstream } from './upstream-servers.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';
const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc';
const CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';

describe('a client that leaves', () => {
  it.each([
    ['before the response', ''],
    ['in the middle of it', PART],
  ])('over HTTP/1.1 ends the request to the upstream: %s', async (_, answer) => {
    const upstream = await rawUpstream(({ socket }) => socket.write(answer));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(GET);
    if (answer === '') await until(() => upstream.received.endsWith('\r\n\r\n'));
    else await client.readUntil('abc');
    client.socket.destroy();
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    const status = answer === '' ? 499 : 200;
    expect(proxy.counters.values().responses).toEqual({ [`route="example.test",status="${status}"`]: 1 });
    expect(proxy.counters.values().upstreamErrors).toEqual({});
    expect(proxy.events).toEqual([]);
  });

  it('by closing its own side only, while it waits, has left as well', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port, { allowHalfOpen: true } as object);
    client.send(GET);
    await until(() => upstream.received.endsWith('\r\n\r\n'));
    client.socket.end();
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    expect(await client.readToEnd()).toBe('');
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="499"': 1 });
  });

  it('in the middle of its request ends it, too', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nabc');
    await until(() => upstream.received.endsWith('abc'));
    client.socket.destroy();
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="499"': 1 });
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('over HTTP/2 ends its request and no other', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const first = session.request({ ':authority': 'example.test', ':path': '/first' });
    first.on('error', () => {});
    await until(() => upstream.connections.length === 1);
    const second = session.request({ ':authority': 'example.test', ':path': '/second' });
    await until(() => upstream.connections.length === 2);
    first.close(8);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    upstream.connections[1]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect((await h2Response(second)).body).toBe('ok');
    expect(proxy.counters.values().responses).toMatchObject({ 'route="example.test",status="499"': 1 });
  });
});

describe('a client that breaks its own request', () => {
  it('while the response is under way, ends both and does not count against the upstream', async () => {
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.endsWith('\r\n\r\n')) socket.write(CHUNKS);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.readUntil('abc');
    expect(await client.send('xyz\r\n').readToEnd()).not.toContain('0\r\n\r\n');
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
    expect(proxy.events).toEqual([]);
  });
});

describe('an upstream that dies in the middle of a response', () => {
  it.each([
    ['with a length', PART],
    ['in chunks', CHUNKS],
  ])('is no complete response over HTTP/1.1: %s', async (_, answer) => {
    const upstream = await rawUpstream(({ socket }) => {
      socket.write(answer);
      setTimeout(() => socket.destroy(), 20);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const received = await client.send(GET).readToEnd();
    expect(received).toContain('abc');
    expect(received).not.toContain('0\r\n\r\n');
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="reset"': 1 });
  });

  it('is a reset stream over HTTP/2', async () => {
    const upstream = await rawUpstream(({ socket }) => {
      socket.write(CHUNKS);
      setTimeout(() => socket.destroy(), 20);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request({ ':authority': 'example.test' });
    await expect(h2Response(stream)).rejects.toThrow();
    expect(stream.rstCode).toBe(2);
  });

  it('with a broken chunk is none, either', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.write(`${CHUNKS}xyz\r\n`));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect(await client.send(GET).readToEnd()).not.toContain('0\r\n\r\n');
  });
});
