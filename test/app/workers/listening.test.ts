import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bindListeners } from '../../../src/app/workers/listener-set.ts';
import { bind } from '../../../src/platform/bind.ts';
import { ask, startPool } from './fixture.ts';

const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

describe('workers', () => {
  it('serve on unix sockets, and after a restart again', async () => {
    const path = join(temporaryFolder(), 'https');
    for (let run = 0; run < 2; run++) {
      const listeners = await bindListeners({ https: [{ kind: 'unix', path }], http: [] });
      const { pool } = await startPool({ listeners, workers: 2 });
      const socket = () => ask(0, { socketPath: path });
      expect(await Promise.all([socket(), socket(), socket()])).toEqual(['ok', 'ok', 'ok']);
      pool.killAll();
      for (const listener of listeners) listener.close();
    }
  });

  it('serve on sockets that whoever started the program has bound', async () => {
    const inherited = await bind(LOOPBACK);
    const listeners = await bindListeners({ https: [{ kind: 'fd', fd: inherited.fd }], http: [] });
    expect(listeners).toMatchObject([{ role: 'https', address: `fd:${inherited.fd}` }]);
    await startPool({ listeners, workers: 1 });
    expect(await ask(inherited.port ?? 0)).toBe('ok');
    inherited.close();
  });
});

describe('bindListeners', () => {
  it('keeps what is bound already, and binds the rest', async () => {
    const first = await bindListeners({ https: [LOOPBACK], http: [] });
    const path = join(temporaryFolder(), 'http');
    const second = await bindListeners({ https: [LOOPBACK], http: [{ kind: 'unix', path }] }, first);
    expect(second[0]).toBe(first[0]);
    expect(second.map(({ role, address }) => [role, address])).toEqual([
      ['https', '127.0.0.1:0'],
      ['http', `unix:${path}`],
    ]);
    for (const listener of second) listener.close();
  });

  it('does not take a port of one kind for one of the other', async () => {
    const first = await bindListeners({ https: [LOOPBACK], http: [] });
    const second = await bindListeners({ https: [], http: [LOOPBACK] }, first);
    expect(second[0]).not.toBe(first[0]);
    for (const listener of [...first, ...second]) listener.close();
  });

  it('names every address that it cannot have, and keeps none', async () => {
    const taken = await listening();
    const path = join(temporaryFolder(), 'fresh');
    const error = await bindListeners({
      https: [
        { ...LOOPBACK, port: taken },
        { kind: 'unix', path },
      ],
      http: [{ kind: 'tcp', host: '192.0.2.1', port: 80 }],
    }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 'address-in-use',
      message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${taken}.*\n?.*192\\.0\\.2\\.1:80`)),
      hint: expect.stringMatching(/another address[\s\S]*ip address/),
    });
    (await bind({ kind: 'unix', path })).close();
  });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-listening-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listening(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
