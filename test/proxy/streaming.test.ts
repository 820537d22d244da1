import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2 } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { httpUpstream } from './upstream-servers.ts';

const MIB = 1_048_576;
const SIZE = 256 * MIB;
const CHUNK = Buffer.alloc(65_536, 'x');

/** More than buffers on the way explain (kernel, TLS, streams, garbage not yet collected), far less than the body. */
const GROWTH = 128 * MIB;

/** Peak of the resident memory above its value now. */
function watchMemory(): () => number {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  return () => {
    clearInterval(timer);
    return peak - before;
  };
}

async function countBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let size = 0;
  for await (const chunk of request) size += (chunk as Buffer).length;
  response.end(String(size));
}

async function sendBody(response: ServerResponse): Promise<void> {
  for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
    if (!response.write(CHUNK)) await once(response, 'drain');
  }
  response.end();
}

describe('256 MiB', { timeout: 120_000 }, () => {
  it('go up through HTTP/1.1 in flat memory', async () => {
    const upstream = await httpUpstream((request, response) => void countBody(request, response));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(`POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${SIZE}\r\n\r\n`);
    const growth = watchMemory();
    for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
      if (!client.socket.write(CHUNK)) await once(client.socket, 'drain');
    }
    expect((await client.response()).body).toBe(String(SIZE));
    expect(growth()).toBeLessThan(GROWTH);
  });

  it('go up through HTTP/2 in flat memory', async () => {
    const upstream = await httpUpstream((request, response) => void countBody(request, response));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const stream = session.request({ ':method': 'POST', ':authority': 'example.test' }, { endStream: false });
    let body = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    const growth = watchMemory();
    for (let sent = 0; sent < SIZE; sent += CHUNK.length) {
      if (!stream.write(CHUNK)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'end');
    expect(body).toBe(String(SIZE));
    expect(growth()).toBeLessThan(GROWTH);
  });

  it('come down through HTTP/1.1 in flat memory', async () => {
    const upstream = await httpUpstream((_, response) => void sendBody(response));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const socket = tls.connect({ host: '127.0.0.1', port: proxy.port, rejectUnauthorized: false });
    const growth = watchMemory();
    let size = 0;
    socket.on('data', (chunk) => {
      size += chunk.length;
    });
    socket.write('GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n');
    await once(socket, 'end');
    expect(size).toBeGreaterThan(SIZE);
    expect(growth()).toBeLessThan(GROWTH);
  });

  it('come down through HTTP/2 in flat memory', async () => {
    const upstream = await httpUpstream((_, response) => void sendBody(response));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request({ ':authority': 'example.test' });
    const growth = watchMemory();
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    await once(stream, 'end');
    expect(size).toBe(SIZE);
    expect(growth()).toBeLessThan(GROWTH);
  });
});

describe('a client that does not read', { timeout: 60_000 }, () => {
  it('stops the upstream, and is cut off after a while', async () => {
    let sent = 0;
    let closed = false;
    const upstream = await httpUpstream((_, response) => {
      response.on('close', () => {
        closed = true;
      });
      const more = () => {
        while (sent < SIZE && !response.destroyed) {
          sent += CHUNK.length;
          if (!response.write(CHUNK)) {
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 500 } });
    const client = await connectTls(proxy.port);
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    await until(() => closed);
    expect(sent).toBeLessThan(SIZE / 4);
    await until(() => proxy.serving.connections === 0);
  });
});

describe('events of a stream', () => {
  it.each(['HTTP/1.1', 'HTTP/2'])('arrive one by one over %s', async (protocol) => {
    let stream: ServerResponse | null = null;
    const upstream = await httpUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      stream = response;
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 50 } });
    let seen = '';
    let head = false;
    if (protocol === 'HTTP/2') {
      const request = (await connectH2(proxy.port)).request({ ':authority': 'example.test' });
      request.setEncoding('utf8').on('data', (text: string) => {
        seen += text;
      });
      request.on('response', () => {
        head = true;
      });
    } else {
      const client = await connectTls(proxy.port);
      client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
      await client.readUntil('\r\n\r\n');
      head = true;
      client.socket.on('data', (text) => {
        seen += text;
      });
    }
    await until(() => head && stream !== null);
    for (const event of ['one', 'two', 'three']) {
      (stream as ServerResponse | null)?.write(`data: ${event}\n\n`);
      // Nothing else is sent before this one has arrived; silence longer than the idle limit is no harm.
      await until(() => seen.includes(event));
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
  });
});

describe('a body that stops coming', () => {
  it('gets 408 and does not count against the upstream', async () => {
    const upstream = await httpUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 100 } });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nabc');
    const response = await client.response();
    expect(response.status).toBe(408);
    expect(response.field('connection')).toBe('close');
    await client.readToEnd();
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });
});
