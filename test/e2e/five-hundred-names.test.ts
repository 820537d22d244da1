import { describe, expect, it } from 'vitest';
import { pebbles, startPebble } from '../pebble.ts';
import { eventually, startDaemon } from './daemon.ts';

const COUNT = 500;
const RATE = 250;

const [programs] = pebbles();

describe.skipIf(programs === undefined)('five hundred new names at once', () => {
  it('are all issued, with one order each, at no more than the configured rate', async () => {
    await using daemon = await startDaemon('route one.localhost\n  upstream localhost:1\n', { workers: 1 });
    if (programs === undefined) return;
    const pebble = await startPebble(programs, {
      environment: { PEBBLE_WFE_NONCEREJECT: '0' },
      config: { httpPort: daemon.ports.http, tlsPort: daemon.ports.https },
    });
    try {
      const names = Array.from({ length: COUNT }, (_, index) => `host-${index}.test`);
      daemon.configure(`issuer pebble
  directory ${pebble.directory}
  ca-root ${pebble.caRoot}
  request-rate ${RATE}/s
${names.map((name) => `route ${name}\n  provider pebble\n  upstream localhost:1\n`).join('')}`);
      const begun = Date.now();
      await daemon.reload();
      const finished = () =>
        daemon
          .events()
          .filter(({ event, issuer }) => event === 'certificate.obtain.finished' && issuer === 'pebble');
      await eventually(
        'all certificates',
        () => finished().length >= COUNT || undefined,
        () => `${finished().length} of ${COUNT}`,
        150_000,
      );
      const seconds = (Date.now() - begun) / 1000;

      const started = daemon
        .events()
        .filter(({ event, issuer }) => event === 'certificate.obtain.started' && issuer === 'pebble');
      expect(started.map(({ id }) => String(id)).sort()).toEqual(names.toSorted());
      expect(
        finished()
          .map(({ id }) => String(id))
          .sort(),
      ).toEqual(names.toSorted());
      expect(pebble.log().match(/POST \/order-plz/g)).toHaveLength(COUNT);
      const requests = pebble.log().match(/(?:GET|HEAD|POST) \//g)?.length ?? 0;
      // A full bucket may go out at once, what follows only at the rate.
      expect(requests).toBeLessThanOrEqual(RATE * (seconds + 1));
    } finally {
      await pebble.stop();
    }
  }, 180_000);
});
