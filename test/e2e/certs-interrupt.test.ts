import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CertificateList } from '../../src/app/list-certificates.ts';
import { workplace } from '../commands/workplace.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { startCaGate } from './ca-gate.ts';
import { eventually, freePorts, RIGIL } from './daemon.ts';

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
        using place = await workplace(configuration(pebble), { http: pebble.httpPort });
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

  it('goes on with its order when it is run again, if it was killed', async () => {
    if (programs === undefined) return;
    const pebble = await startPebble(programs, { environment: { PEBBLE_WFE_NONCEREJECT: '0' } });
    const [http = 0] = await freePorts(1);
    const gate = await startCaGate(pebble.httpPort, http, { keepsAnswers: true });
    try {
      using place = await workplace(configuration(pebble), { http });
      const child = spawn(process.execPath, [RIGIL, 'certs', 'obtain', '-c', place.configFile]);
      const ended = new Promise((done) => child.once('close', done));
      await eventually('the CA to look', () => (gate.waiting > 0 ? true : undefined), pebble.log);
      child.kill('SIGKILL');
      await ended;
      const note = join(place.store, 'orders', 'one.test');
      expect(statSync(note).mode & 0o777).toBe(0o600);
      gate.open();
      await eventually('the CA to be content', () => (pebble.log().includes('set VALID') ? true : undefined));

      const { value, code } = await place.json('certs', 'obtain');
      expect(value).toMatchObject({ renewed: [{ id: 'one.test' }], failed: [] });
      expect(code).toBe(0);
      expect(pebble.log().match(/POST \/order-plz/g)).toHaveLength(1);
      expect(existsSync(note)).toBe(false);
    } finally {
      await gate[Symbol.asyncDispose]();
      await pebble.stop();
    }
  });
});

function configuration({ directory, caRoot }: Pebble): string {
  return `issuer pebble
  directory ${directory}
  ca-root ${caRoot}
  challenge http-01
route one.test
  provider pebble
  upstream localhost:1
`;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
