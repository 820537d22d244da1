import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { readDirectly } from '../../src/proxy/direct-reads.ts';
import { testCertificate } from './certificate.ts';
import { type SocketPair, socketPair } from './socket-pair.ts';

const open: { destroy(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

async function plainPair(): Promise<SocketPair> {
  const ends = await socketPair();
  open.push(ends.near, ends.far);
  return ends;
}

async function tlsPair(): Promise<SocketPair> {
  const server = tls.createServer(await testCertificate()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const [near] = (await once(server, 'secureConnection')) as [Socket];
  server.close();
  open.push(near, far);
  return { near, far };
}

const pattern = (length: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff));

describe.each([
  ['a plain socket', plainPair],
  ['a TLS socket', tlsPair],
])('what is read from %s', (_, pair) => {
  it('comes in order and whole, however often the reader stops', async () => {
    const { near, far } = await pair();
    const sent = pattern(3_000_000);
    const received: Buffer[] = [];
    let stops = 0;
    let stopped = false;
    readDirectly(near, (bytes) => {
      received.push(bytes);
      if (stopped || received.length % 3 !== 0) return;
      stopped = true;
      stops += 1;
      near.pause();
      const goOn = () => {
        stopped = false;
        near.resume();
      };
      if (stops % 2 === 0) setTimeout(goOn, 1);
      else setImmediate(goOn);
    });
    far.end(sent);
    await once(near, 'end');
    expect(stops).toBeGreaterThan(5);
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  it('is held back while the reader has stopped', async () => {
    const { near, far } = await pair();
    let got = 0;
    readDirectly(near, (bytes) => {
      got += bytes.length;
    });
    near.pause();
    far.write(pattern(20_000_000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(got).toBe(0);
    // What Node has taken for it stays within its bounds.
    expect(near.readableLength).toBeLessThan(1_000_000);
    near.resume();
    far.end();
    await once(near, 'end');
    expect(got).toBe(20_000_000);
  });
});

it('comes to the reader without a detour', async () => {
  const { near, far } = await plainPair();
  let deep = '';
  readDirectly(near, () => {
    deep = new Error().stack ?? '';
  });
  await new Promise((resolve) => setImmediate(resolve));
  far.write('x');
  await expect.poll(() => deep).not.toBe('');
  expect(deep).not.toContain('addChunk');
  expect(deep).not.toContain('emit');
});
