import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CertificateList } from '../../src/app/list-certificates.ts';
import { workplace } from '../commands/workplace.ts';
import { pebbles, startPebble } from '../pebble.ts';
import { eventually, RIGIL } from './daemon.ts';

const [programs] = pebbles();

/** A CA that thinks for long before it looks at an answer. */
const SLOW = { PEBBLE_VA_NOSLEEP: '0', PEBBLE_VA_SLEEPTIME: '60' };

describe.skipIf(programs === undefined)('certs obtain that is interrupted', () => {
  it.each(['SIGINT', 'SIGHUP'] as const)(
    'gives its port back and ends, and nothing counts as failed (%s)',
    async (signal) => {
      if (programs === undefined) return;
      const pebble = await startPebble(programs, { environment: SLOW });
      try {
        using place = await workplace(
          `issuer pebble
  directory ${pebble.directory}
  ca-root ${pebble.caRoot}
  challenge http-01
route one.test
  provider pebble
  upstream localhost:1
`,
          { http: pebble.httpPort },
        );
        const child = spawn(process.execPath, [RIGIL, 'certs', 'obtain', '-c', place.configFile]);
        let stderr = '';
        child.stderr.on('data', (data) => {
          stderr += data;
        });
        const ended = new Promise<number | null>((done) => child.once('close', done));
        await eventually(
          'the answer for the CA',
          async () => (await isOpen(pebble.httpPort)) || undefined,
          () => stderr,
        );
        child.kill(signal);
        expect(await ended).toBe(1);
        expect(stderr).toContain('broken off');
        expect(await isOpen(pebble.httpPort)).toBe(false);
        const { value } = await place.json<CertificateList>('certs', 'list');
        expect(value.certificates).toMatchObject([{ status: 'missing', lastError: null }]);
      } finally {
        await pebble.stop();
      }
    },
  );
});

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
