import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, httpUpstream, OK, rawUpstream } from './upstream-servers.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';
const LONG = { requestsMs: 60_000, streamsMs: 60_000 };

/** An upstream that answers only when told to. */
async function waiting() {
  const responses: ServerResponse[] = [];
  const upstream = await httpUpstream((_, response) => responses.push(response));
  const proxy = await startProxy({ routes: [route(upstream)] });
  return { responses, proxy };
}

describe('a drain', () => {
  it('is over at once when nothing is connected', async () => {
    const { proxy } = await waiting();
    expect(await proxy.serving.drain(LONG)).toEqual({ cut: 0 });
  });

  it('closes idle connections and cuts nobody', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const session = await connectH2(proxy.port);
    await client.send(GET).response();
    await h2Response(session.request({ ':authority': 'example.test' }));
    expect(proxy.serving.connections).toBe(2);
    expect(await proxy.serving.drain(LONG)).toEqual({ cut: 0 });
    expect(await client.readToEnd()).toBe('');
    await until(() => session.destroyed);
    await until(() => upstream.connections.every(({ socket }) => socket.destroyed));
  });

  it('answers a request that an idle connection had on its way, and says that it was the last', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    await client.send(GET).response();
    const drained = proxy.serving.drain(LONG);
    const last = await client.send(GET).response();
    expect([last.status, last.field('connection')]).toEqual([200, 'close']);
    expect(await drained).toEqual({ cut: 0 });
  });

  it('lets requests finish and takes no more', async () => {
    const { proxy, responses } = await waiting();
    const client = await connectTls(proxy.port);
    const session = await connectH2(proxy.port);
    client.send(GET);
    const stream = session.request({ ':authority': 'example.test' });
    const response = h2Response(stream);
    await until(() => responses.length === 2);
    let goaway = -1;
    session.on('goaway', (code) => {
      goaway = code;
    });
    const drained = proxy.serving.drain(LONG);
    await until(() => goaway === 0);
    for (const pending of responses) pending.end('done');
    const last = await client.response();
    expect([last.body, last.field('connection')]).toEqual(['done', 'close']);
    expect((await response).body).toBe('done');
    expect(await drained).toEqual({ cut: 0 });
  });

  it('answers a connection that was just opened', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    await until(() => proxy.serving.connections === 1);
    const drained = proxy.serving.drain(LONG);
    const response = await client.send(GET).response();
    expect([response.body, response.field('connection')]).toEqual(['ok', 'close']);
    expect(await drained).toEqual({ cut: 0 });
  });

  it('cuts requests when their time is over', async () => {
    const { proxy, responses } = await waiting();
    const client = await connectTls(proxy.port);
    const session = await connectH2(proxy.port);
    client.send(GET);
    const stream = h2Response(session.request({ ':authority': 'example.test' }));
    await until(() => responses.length === 2);
    const [drained] = await Promise.all([
      proxy.serving.drain({ requestsMs: 50, streamsMs: 60_000 }),
      expect(stream).rejects.toThrow(),
    ]);
    expect(drained).toEqual({ cut: 2 });
    expect(await client.readToEnd()).toBe('');
  });

  it('gives event streams and upgraded connections more time, and tells WebSockets why they end', async () => {
    const server = await httpUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('data: 1\n\n');
    });
    const sockets = new WebSocketServer({ server: server.server });
    sockets.on('connection', (socket) => socket.send('a message of some length'));
    const proxy = await startProxy({ routes: [route(server)] });
    const client = await connectTls(proxy.port);
    await client.send(GET).readUntil('data: 1');
    const session = await connectH2(proxy.port);
    const stream = session.request({ ':authority': 'example.test' });
    await once(stream, 'data');
    stream.on('error', () => {});
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/`, {
      rejectUnauthorized: false,
      headers: { host: 'example.test' },
    });
    await once(socket, 'message');
    const started = performance.now();
    const drained = proxy.serving.drain({ requestsMs: 10, streamsMs: 300 });
    const [code] = await once(socket, 'close');
    expect(performance.now() - started).toBeGreaterThanOrEqual(290);
    expect(code).toBe(1001);
    expect(await drained).toEqual({ cut: 3 });
    await until(() => stream.destroyed && client.closed);
  });
});
