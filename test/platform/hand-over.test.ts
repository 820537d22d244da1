import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { bind } from '../../src/platform/bind.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Holder, type HolderOptions } from '../../src/platform/hand-over/holder.ts';
import { findHolder } from '../../src/platform/hand-over/successor.ts';

const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
const SOON = { timeout: 15_000, interval: 20 };

describe('a holder', () => {
  let folder: string;
  let path: string;
  let told: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-hand-over-'));
    path = join(folder, 'socket');
    told = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function hold(options: Partial<HolderOptions> = {}): Promise<void> {
    const sockets = await Promise.all([bind(LOOPBACK), bind(LOOPBACK), bind(LOOPBACK)]);
    const holder = new Holder({
      role: 'daemon',
      sockets: () => sockets.map(({ fd, address }) => ({ role: 'https', address, fd })),
      leave: (pid) => told.push(`leave ${pid}`),
      stay: (pid) => told.push(`stay ${pid}`),
      ...options,
    });
    await holder.listen(await bind({ kind: 'unix', path }));
    onTestFinished(() => {
      holder.close();
      for (const socket of sockets) socket.close();
    });
  }

  /** A client that has read the greeting. */
  async function greeted(): Promise<{ readonly socket: Socket; readonly greeting: unknown }> {
    const socket = connect(path).setEncoding('utf8');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    const [line] = (await once(socket, 'data')) as [string];
    return { socket, greeting: JSON.parse(line) };
  }

  it('says who it is', async () => {
    await hold();
    const found = await findHolder(path, { clock: systemClock, patienceMs: 10_000 });
    expect(found).toMatchObject({ pid: process.pid, role: 'daemon', busy: null });
    found?.close();
  });

  it('is not found where nobody is, or nobody speaks', async () => {
    const patience = { clock: systemClock, patienceMs: 100 };
    expect(await findHolder(path, patience)).toBeNull();
    const silent = await bind({ kind: 'unix', path });
    expect(await findHolder(path, patience)).toBeNull();
    silent.close();
  });

  it('stays when the successor dies with the sockets on their way', async () => {
    await hold();
    const { socket } = await greeted();
    socket.write('{"ask":"sockets","pid":4711}\n');
    // The first of three; the porter waits for an acknowledgement before it sends the next.
    expect(String(await once(socket, 'data'))).toContain('"address":"127.0.0.1:0"');
    expect((await greeted()).greeting).toMatchObject({ busy: 'another one is taking over' });
    socket.destroy();
    await expect.poll(() => told, SOON).toEqual(['stay 4711']);
    expect((await greeted()).greeting).toMatchObject({ busy: null });
  });

  it('stays when the successor dies while certificate work comes to rest', async () => {
    const rest = Promise.withResolvers<void>();
    await hold({ prepare: () => rest.promise });
    const { socket } = await greeted();
    socket.write('{"ask":"sockets","pid":4711}\n');
    await expect
      .poll(async () => (await greeted()).greeting, SOON)
      .toMatchObject({ busy: expect.any(String) });
    socket.destroy();
    rest.resolve();
    await expect.poll(() => told, SOON).toEqual(['stay 4711']);
  });

  it.each(['', '{}', '{"ask":"keys","pid":1}', '{"ask":"end","pid":1}', 'x'.repeat(10_000)])(
    'gives nothing to who asks %j',
    async (request) => {
      await hold();
      const { socket } = await greeted();
      socket.write(`${request}\n`);
      await once(socket, 'close');
      expect(told).toEqual([]);
    },
  );

  it('that is a worker ends when it is told to', async () => {
    await hold({ role: 'worker' });
    const { socket } = await greeted();
    socket.write('{"ask":"end","pid":4711}\n');
    await expect.poll(() => told, SOON).toEqual(['leave 4711']);
  });
});
