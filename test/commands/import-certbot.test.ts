import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImportReport } from '../../src/app/import-certificates.ts';
import { runProgram } from '../e2e/daemon.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { has, peer } from '../peers.ts';
import { type Workplace, workplace } from './workplace.ts';

const [programs] = pebbles();

describe.skipIf(programs === undefined || !has('certbot'))(
  'certs import from a real certbot',
  { timeout: 120_000 },
  () => {
    let pebble: Pebble;
    let place: Workplace;
    beforeAll(async () => {
      if (programs === undefined) return;
      pebble = await startPebble(programs);
      const issuer = `issuer pebble\n  directory ${pebble.directory}\n  ca-root ${pebble.caRoot}\n`;
      const route = 'provider pebble\n  upstream localhost:1\n';
      place = await workplace(`${issuer}route one.test www.one.test\n  ${route}route two.test\n  ${route}`, {
        http: pebble.httpPort,
        https: pebble.tlsPort,
      });
    }, 60_000);
    afterAll(async () => {
      place?.[Symbol.dispose]();
      await pebble?.stop();
    });

    it('takes over what certbot has obtained and renewed, by the files in force', async () => {
      await certbot('certonly', '--standalone', '-d', 'one.test', '-d', 'www.one.test');
      await certbot('certonly', '--standalone', '-d', 'two.test', '--key-type', 'rsa');
      await certbot('renew', '--force-renewal', '--cert-name', 'one.test', '--no-random-sleep-on-renew');

      const source = join(place.folder, 'letsencrypt');
      const { code, value, stderr } = await place.json<ImportReport>('certs', 'import', source);
      expect(value, stderr).toMatchObject({ from: 'certbot', skipped: [], failed: [] });
      expect(code).toBe(0);
      expect(value.imported.map(({ id }) => id).toSorted()).toEqual(['one.test', 'two.test']);
      for (const id of ['one.test', 'two.test']) {
        const { value: details } = await place.json<{ directory: string; issuer: string }>(
          'certs',
          'show',
          id,
        );
        const file = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');
        expect(details.issuer).toBe('pebble');
        expect(file(details.directory, 'privkey.pem')).toBe(file(join(source, 'live', id), 'privkey.pem'));
      }
      expect((await place.json('certs', 'renew', '--dry-run')).value).toEqual({ planned: [] });
    });

    async function certbot(...args: readonly string[]): Promise<void> {
      const folders = ['config', 'work', 'logs'].flatMap((name) => [
        `--${name}-dir`,
        join(place.folder, name === 'config' ? 'letsencrypt' : name),
      ]);
      const { code, stdout, stderr } = await runProgram(
        peer('certbot'),
        [
          ...args,
          ...folders,
          ...['--non-interactive', '--agree-tos', '--register-unsafely-without-email'],
          ...['--server', pebble.directory, '--http-01-port', String(pebble.httpPort)],
          ...['--http-01-address', '127.0.0.1'],
        ],
        { env: { REQUESTS_CA_BUNDLE: pebble.caRoot } },
      );
      expect(code, stdout + stderr).toBe(0);
    }
  },
);
