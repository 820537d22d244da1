import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { gathered, Outgoing } from '../../src/proxy/outgoing.ts';
import { socketPair } from './socket-pair.ts';

const open: { destroy(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

/** Two ends of one connection. */
async function pair() {
  const ends = await socketPair();
  open.push(ends.near, ends.far);
  return ends;
}

async function readToEnd(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const turnEnds = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Bytes that show where they belong. */
const pattern = (seed: number, length: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7 + (index >> 8)) & 0xff));

describe('what goes out on a socket', () => {
  it('leaves at the end of the turn, in one write for each socket', async () => {
    const one = await pair();
    const two = await pair();
    const outs = [new Outgoing(one.near, true), new Outgoing(two.near, true)];
    const writes: string[] = [];
    for (const [index, { near }] of [one, two].entries()) {
      const write = near.write.bind(near);
      near.write = ((bytes: Buffer) => {
        writes.push(`${index}: ${bytes.toString()}`);
        return write(bytes);
      }) as typeof near.write;
    }
    outs[0]?.writeText('head ');
    outs[0]?.write(Buffer.from('body'));
    outs[1]?.writeText('other');
    expect(writes).toEqual([]);
    await turnEnds();
    expect(writes).toEqual(['0: head body', '1: other']);
    expect((await once(one.far, 'data'))[0].toString()).toBe('head body');
  });

  it('keeps its order, whatever the sizes of the pieces', async () => {
    const { near, far } = await pair();
    const out = new Outgoing(near, true);
    const received = readToEnd(far);
    const sent: Buffer[] = [];
    for (const [seed, length] of [3, 20_000, 5, 200_000, 16_384, 16_385, 131_072, 1, 90_000].entries()) {
      const bytes = pattern(seed, length);
      sent.push(Buffer.from(bytes));
      out.write(bytes);
      // Whoever wrote it uses the memory again.
      bytes.fill(0);
      if (seed % 3 === 2) await turnEnds();
    }
    out.end();
    expect((await received).equals(Buffer.concat(sent))).toBe(true);
  });

  it('is not written over while the system has not taken it', async () => {
    const { near, far } = await pair();
    const out = new Outgoing(near, true);
    far.pause();
    const sent: Buffer[] = [];
    for (let seed = 0; seed < 2_000 && near.writableLength === 0; seed += 1) {
      const bytes = pattern(seed, 16_000);
      sent.push(bytes);
      out.write(bytes);
      if (seed % 5 === 4) await turnEnds();
    }
    expect(near.writableLength).toBeGreaterThan(0);
    // Others use the common buffer meanwhile.
    const other = await pair();
    other.far.resume();
    const others = new Outgoing(other.near, true);
    for (let round = 0; round < 20; round += 1) {
      others.write(Buffer.alloc(16_000, 0x21));
      out.write(pattern(round, 100));
      sent.push(pattern(round, 100));
      await turnEnds();
    }
    out.end();
    far.resume();
    expect((await readToEnd(far)).equals(Buffer.concat(sent))).toBe(true);
  });

  it('waits for a socket that connects', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const near = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    open.push(near, { destroy: () => server.close() });
    const out = new Outgoing(near, false);
    out.writeText('first ');
    await turnEnds();
    gathered.reserve(100);
    gathered.bytes.fill(0x21);
    const [far] = (await once(server, 'connection')) as [Socket];
    if (near.connecting) await once(near, 'connect');
    out.open = true;
    out.writeText('second');
    out.end();
    expect((await readToEnd(far)).toString()).toBe('first second');
  });

  it('writes chunks, small ones and large ones', async () => {
    const { near, far } = await pair();
    const out = new Outgoing(near, true);
    out.writeChunk(Buffer.from('small'));
    out.writeChunk(Buffer.alloc(70_000, 0x61));
    out.writeText('0\r\n\r\n');
    out.end();
    expect((await readToEnd(far)).toString()).toBe(
      `5\r\nsmall\r\n11170\r\n${'a'.repeat(70_000)}\r\n0\r\n\r\n`,
    );
  });

  it('is of no harm when the socket is closed meanwhile', async () => {
    const one = await pair();
    const two = await pair();
    const lost = new Outgoing(one.near, true);
    const kept = new Outgoing(two.near, true);
    lost.writeText('lost');
    kept.writeText('kept');
    one.near.destroy();
    kept.end();
    expect((await readToEnd(two.far)).toString()).toBe('kept');
  });

  it('still sends what was written before the socket is destroyed', async () => {
    const { near, far } = await pair();
    const out = new Outgoing(near, true);
    out.writeText('the last words');
    out.destroy();
    expect((await readToEnd(far)).toString()).toBe('the last words');
  });
});
