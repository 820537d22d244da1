import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { lockKeyOf } from '../../src/certs/ports.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { realCertificate } from '../certs/real-certificate.ts';
import { freePorts, startDaemon } from './daemon.ts';

const HOUR = 3_600_000;

describe('rigil serve while its CAs are down', { timeout: 120_000 }, () => {
  it('serves what is stored from the first moment, whichever issuer made it', async () => {
    const [nobody = 1] = await freePorts(1);
    const section = `issuer down\n  directory https://127.0.0.1:${nobody}/directory\n`;
    const routes = ['down.test', 'formerly.test', 'due.test'].map(
      (name) => `route ${name}\n  provider down\n  upstream localhost:1\n`,
    );
    await using daemon = await startDaemon(section + routes.join(''), {
      workers: 1,
      prepare: async (directory) => {
        const store = new FileStore({ directory, clock: systemClock, emit: () => {} });
        const now = systemClock.now();
        for (const [name, issuer, hoursLeft] of [
          ['down.test', 'down', 2_000],
          ['formerly.test', 'an issuer that is not configured any more', 2_000],
          ['due.test', 'down', 20],
        ] as const) {
          const certificate = await realCertificate({
            names: [name],
            issuer,
            notBefore: now - 100 * HOUR,
            notAfter: now + hoursLeft * HOUR,
          });
          const lock = await store.lock(lockKeyOf(name), new AbortController().signal);
          await store.save(certificate, lock);
          await lock.release();
        }
      },
    });
    for (const name of ['down.test', 'formerly.test', 'due.test']) {
      expect(await nameShown(daemon.ports.https, name)).toBe(`DNS:${name}`);
    }
    const failure = await daemon.event('certificate.renew.failed', ({ id }) => id === 'due.test');
    expect(failure).toMatchObject({ code: 'issuer-unavailable', issuer: 'down', attempts: 1 });
    expect(await nameShown(daemon.ports.https, 'due.test')).toBe('DNS:due.test');
    const health = await fetch(`http://127.0.0.1:${daemon.ports.admin}/healthz`);
    expect(health.status).toBe(200);
  });
});

function nameShown(port: number, servername: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subjectaltname);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
