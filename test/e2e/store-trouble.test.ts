import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { eventually, rigil, type Status, startDaemon } from './daemon.ts';

const ROUTES = 'route one.localhost\n  upstream localhost:1\nroute two.localhost\n  upstream localhost:1\n';

interface WithStore extends Status {
  readonly store: { readonly writable: boolean; readonly lastError: { readonly code: string } | null };
}

/** The serial number that a client is shown, or null when there is nothing for this name. */
function serialAt(port: number, servername: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
  });
}

describe('rigil serve on a store that cannot be written', { timeout: 120_000 }, () => {
  it('serves what it has, says so, and takes up its work when it can', async () => {
    await using before = await startDaemon('route one.localhost\n  upstream localhost:1\n');
    const held = await serialAt(before.ports.https, 'one.localhost');
    await before.stop();

    const blocked = (store: string): string => join(store, 'locks');
    await using daemon = await startDaemon(ROUTES, {
      healthy: false,
      prepare: async (store) => {
        cpSync(before.store, store, { recursive: true });
        // No lock can be taken, whoever asks for one; also root is refused here.
        rmSync(blocked(store), { recursive: true });
        writeFileSync(blocked(store), '');
      },
    });
    expect(await serialAt(daemon.ports.https, 'one.localhost')).toBe(held);
    expect(await serialAt(daemon.ports.https, 'two.localhost')).toBeNull();
    expect(daemon.events().find(({ event }) => event === 'store.problem')).toMatchObject({
      level: 'error',
      code: 'store-unwritable',
      message: expect.stringContaining('nothing can be obtained or renewed'),
    });
    expect(((await daemon.status()) as WithStore).store).toMatchObject({
      writable: false,
      lastError: { code: 'store-unwritable' },
    });
    expect(await daemon.metrics()).toContain('\nrigil_store_writable 0\n');
    const { stdout } = await rigil(['status', '-c', daemon.configFile]);
    expect(stdout).toContain('the store could not be written');

    rmSync(blocked(daemon.store));
    await daemon.event('store.writable');
    await daemon.event('certificate.obtain.finished', ({ id }) => id === 'two.localhost');
    await eventually('the second certificate', async () =>
      (await serialAt(daemon.ports.https, 'two.localhost')) === null ? undefined : true,
    );
    expect(await serialAt(daemon.ports.https, 'one.localhost')).toBe(held);
    expect(((await daemon.status()) as WithStore).store).toMatchObject({ writable: true, lastError: null });
    // It is the one daemon of the store now.
    const second = await rigil(['serve', '-c', daemon.configFile]);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(String(daemon.child.pid))]);
  });
});
