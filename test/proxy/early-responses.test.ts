import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls, type RawClient } from './raw-client.ts';
import { OK, rawUpstream } from './upstream-servers.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';
const SIZE = 20_000_000;
const REFUSAL = 'HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno';

/** Sends a body, stopping when the connection is gone. */
function upload(client: RawClient, size: number): void {
  client.send(`POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${size}\r\n\r\n`);
  const chunk = Buffer.alloc(100_000);
  for (let sent = 0; sent < size; sent += chunk.length) client.send(chunk);
}

describe('a response before the request is complete', () => {
  it.each([
    ['and then reads on', (socket: net.Socket) => void socket.write(REFUSAL)],
    ['and then closes its side', (socket: net.Socket) => void socket.end(REFUSAL)],
    ['and then stops reading', (socket: net.Socket) => void socket.write(REFUSAL, () => socket.pause())],
  ])('reaches the client when the upstream sends it %s', async (_, answer) => {
    let answered = false;
    const upstream = await rawUpstream(({ socket }) => {
      if (!answered) answer(socket);
      answered = true;
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    upload(client, SIZE);
    const response = await client.response();
    expect([response.status, response.body]).toEqual([413, 'no']);
    await until(() => upstream.connections[0]?.socket.destroyed !== false || answered);
  });

  it('of a proxy without upstream leaves the connection usable', async () => {
    const proxy = await startProxy({ routes: [route({ scheme: 'unix', path: '/nonexistent/socket' })] });
    const client = await connectTls(proxy.port);
    upload(client, SIZE);
    expect((await client.response()).status).toBe(502);
    expect((await client.send(GET).response()).status).toBe(502);
  });

  it('may stream while the request does', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      if (more.startsWith('POST')) socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      if (more.includes('ping')) socket.write('4\r\necho\r\n');
      if (more.endsWith('0\r\n\r\n')) socket.write('0\r\n\r\n');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(
      { ':method': 'POST', ':authority': 'example.test' },
      { endStream: false },
    );
    let echoes = 0;
    stream.on('data', () => echoes++);
    const response = h2Response(stream);
    for (let n = 1; n <= 3; n++) {
      stream.write('ping');
      await until(() => echoes === n);
    }
    stream.end();
    expect((await response).status).toBe(200);
  });
});

describe('a fault in the program', () => {
  it('costs one request and is told', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.write(OK));
    const proxy = await startProxy({ routes: [route(upstream), route([], { names: ['broken.test'] })] });
    const client = await connectTls(proxy.port);
    expect(await client.send(GET.replace('example', 'broken')).readToEnd()).toBe('');
    expect(proxy.events).toMatchObject([{ event: 'fault', where: 'proxy' }]);
    expect((await (await connectTls(proxy.port)).send(GET).response()).body).toBe('ok');
  });
});
