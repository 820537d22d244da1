import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FAREWELL_MS } from '../../src/proxy/client-connection.ts';
import { listen, route, startProxy, type TestProxy } from './fixture.ts';
import { httpUpstream } from './upstream-servers.ts';

const BLOCK = Buffer.alloc(32_768, 'x');
const MIB = 2 ** 20;

/** A way to the proxy that can be stopped: then the proxy's bytes pile up in the system, and after that in its process. */
async function startValve(port: number): Promise<{ port: number; stop(): void; open(): void }> {
  const toProxy: net.Socket[] = [];
  const server = net.createServer((client) => {
    const socket = net.connect(port, '127.0.0.1');
    toProxy.push(socket);
    client.on('error', () => {});
    socket.on('error', () => {});
    client.pipe(socket);
    socket.on('data', (bytes) => client.write(bytes));
    socket.on('end', () => client.end());
    socket.on('close', () => client.destroy());
  });
  const valvePort = await listen(server);
  onTestFinished(() => {
    server.close();
    for (const socket of toProxy) socket.destroy();
  });
  return {
    port: valvePort,
    stop: () => toProxy.forEach((socket) => void socket.pause()),
    open: () => toProxy.forEach((socket) => void socket.resume()),
  };
}

/**
 * A proxy whose upstream sends, once `held` says so, until the proxy holds bytes that the system does not take; with those its
 * answer ends.
 */
async function startHeldAnswer(limits = {}) {
  const shared: { proxy?: TestProxy; valve?: Awaited<ReturnType<typeof startValve>> } = {};
  const sent = { bytes: 0, over: false };
  const upstream = await httpUpstream(async (_request, response) => {
    response.on('error', () => {});
    response.write(BLOCK);
    sent.bytes += BLOCK.length;
    await sleep(100);
    shared.valve?.stop();
    const [socket] = shared.proxy?.sockets ?? [];
    while (socket !== undefined && !socket.destroyed) {
      if (socket.writableLength > 0) {
        await sleep(50);
        if (socket.writableLength > 0) break;
      }
      response.write(BLOCK);
      sent.bytes += BLOCK.length;
      await sleep(1);
    }
    response.end();
    sent.over = true;
  });
  const proxy = await startProxy({ routes: [route(upstream)], limits });
  const valve = await startValve(proxy.port);
  Object.assign(shared, { proxy, valve });
  return { proxy, valve, sent };
}

type Held = Awaited<ReturnType<typeof startHeldAnswer>>;

/** Bytes of the body that came, and whether it came to its end. */
type Outcome = Promise<{ readonly bytes: number; readonly whole: boolean }>;

function askHttp1({ valve }: Held): Outcome {
  return new Promise((resolve, reject) => {
    const options = { port: valve.port, host: '127.0.0.1', servername: 'example.test' };
    const headers = { host: 'example.test', connection: 'close' };
    https
      .get({ ...options, headers, agent: false, rejectUnauthorized: false }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('error', () => {});
        response.on('close', () => resolve({ bytes, whole: response.complete }));
      })
      .on('error', reject);
  });
}

/** On a connection that the proxy is to close after it. */
function askHttp2({ valve, proxy }: Held): Outcome {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`https://127.0.0.1:${valve.port}`, {
      servername: 'example.test',
      rejectUnauthorized: false,
      settings: { initialWindowSize: 64 * MIB },
    });
    onTestFinished(() => session.destroy());
    session.on('error', reject);
    session.on('connect', () => session.setLocalWindowSize(64 * MIB));
    const stream = session.request({ ':authority': 'example.test' });
    let bytes = 0;
    let whole = false;
    stream.on('response', () => void proxy.serving.drain({ requestsMs: 60_000, streamsMs: 60_000 }));
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on('end', () => {
      whole = true;
    });
    stream.on('error', () => {});
    stream.on('close', () => resolve({ bytes, whole: whole && stream.rstCode === 0 }));
  });
}

describe.each([
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
] as const)('the last answer of a connection over %s', (_protocol, ask) => {
  it('arrives whole at a client that takes its time to read it', async () => {
    const held = await startHeldAnswer();
    const outcome = ask(held);
    await expect.poll(() => held.sent.over, { timeout: 20_000 }).toBe(true);
    await sleep(2 * FAREWELL_MS);
    held.valve.open();
    expect(await outcome).toEqual({ bytes: held.sent.bytes, whole: true });
    await expect.poll(() => held.proxy.serving.connections).toBe(0);
  }, 40_000);

  it('is given up when the client reads none of it for as long as a body may pause', async () => {
    const held = await startHeldAnswer({ bodyIdleMs: 2_500 });
    const outcome = ask(held);
    await expect.poll(() => held.sent.over, { timeout: 20_000 }).toBe(true);
    await expect.poll(() => held.proxy.serving.connections, { timeout: 10_000 }).toBe(0);
    held.valve.open();
    expect(await outcome).toMatchObject({ whole: false });
  }, 40_000);
});
