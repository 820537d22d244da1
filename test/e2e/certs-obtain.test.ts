import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/app/renew-certificates.ts';
import { type Workplace, workplace } from '../commands/workplace.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { type Daemon, eventually, rigil, startDaemon } from './daemon.ts';
import { startUpstream } from './upstream.ts';
import { echoed, openWebSocket } from './web-socket.ts';

const [programs] = pebbles();

/** A refused nonce would make two requests of one order. */
const COUNTABLE = { PEBBLE_WFE_NONCEREJECT: '0' };

describe.skipIf(programs === undefined)('certs obtain without a daemon', { timeout: 120_000 }, () => {
  let pebble: Pebble;
  beforeEach(async () => {
    if (programs !== undefined) pebble = await startPebble(programs, { environment: COUNTABLE });
  });
  afterEach(() => pebble?.stop());

  it.each(['http-01', 'tls-alpn-01'])('answers the CA by itself (%s)', async (challenge) => {
    using place = await atPebble(
      pebble,
      [challenge],
      'route one.test www.one.test\n  provider pebble\n  upstream localhost:1\n',
    );
    const { code, value } = await place.json<RunResult>('certs', 'obtain');
    expect(value).toMatchObject({ renewed: [{ id: 'one.test' }], failed: [] });
    expect(code).toBe(0);
    const { value: details } = await place.json<{ chain: unknown[] }>('certs', 'show', 'one.test');
    expect(details.chain.length).toBeGreaterThanOrEqual(2);
  });

  it('makes one order when two processes race', async () => {
    using place = await atPebble(
      pebble,
      ['http-01'],
      'route one.test\n  provider pebble\n  upstream localhost:1\n',
    );
    const runs = await Promise.all([0, 1].map(() => place.json<RunResult>('certs', 'obtain')));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(runs.flatMap(({ value }) => value.renewed)).toHaveLength(1);
    expect(runs.flatMap(({ value }) => value.skipped)).toHaveLength(1);
    expect(orders(pebble)).toBe(1);
  });

  it('fails one and obtains the others, with 3', async () => {
    using place = await atPebble(
      pebble,
      ['http-01'],
      'route blocked.test\n  provider pebble\n  upstream localhost:1\nroute one.test\n  provider pebble\n  upstream localhost:1\n',
    );
    const { code, value } = await place.json<RunResult>('certs', 'obtain');
    expect(value.renewed.map(({ id }) => id)).toEqual(['one.test']);
    expect(value.failed).toMatchObject([{ id: 'blocked.test', code: 'identifier-refused', retryAt: null }]);
    expect(code).toBe(3);
  });

  it('says which port is taken, and what to do', async () => {
    await using taken = await startUpstream('taken');
    const text = `issuer pebble
  directory ${pebble.directory}
  ca-root ${pebble.caRoot}
  challenge http-01
route one.test
  provider pebble
  upstream localhost:1
`;
    using place = await workplace(text, { http: taken.port });
    const { code, stdout } = await place.run('certs', 'obtain');
    expect(stdout).toContain('address-in-use');
    expect(code).toBe(1);
    expect(stdout).toContain('hint: start `rigil serve`');
  });
});

describe.skipIf(programs === undefined)('certs renew beside a daemon', { timeout: 120_000 }, () => {
  let daemon: Daemon;
  let pebble: Pebble;
  beforeEach(async () => {
    if (programs === undefined) return;
    daemon = await startDaemon('route one.localhost\n  upstream localhost:1\n');
    pebble = await startPebble(programs, {
      environment: COUNTABLE,
      config: { httpPort: daemon.ports.http, tlsPort: daemon.ports.https },
    });
  });
  afterEach(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await pebble?.stop();
  });

  it.each(['http-01', 'tls-alpn-01'])(
    'has the daemon answer the CA and take the certificate over, and no connection breaks (%s)',
    async (challenge) => {
      await using upstream = await startUpstream('one');
      const section = issuerSection(pebble, [challenge]);
      daemon.configure(`${section}route one.test\n  provider pebble\n  upstream ${upstream.address}\n`);
      await daemon.reload();
      await daemon.event('certificate.obtain.finished', ({ id }) => id === 'one.test');
      const before = await eventually('the first certificate', () => serialAt(daemon).catch(() => undefined));

      const kept = await connect(daemon);
      expect(await ask(kept)).toContain('one /');
      const webSocket = await openWebSocket(daemon, 'one.test', { rejectUnauthorized: false });
      expect(await echoed(webSocket, 'before')).toBe('before');
      const finished = await rigil([
        'certs',
        'renew',
        '--force',
        'one.test',
        '--json',
        '-c',
        daemon.configFile,
      ]);
      expect(finished.code).toBe(0);
      expect(JSON.parse(finished.stdout)).toMatchObject({ renewed: [{ id: 'one.test' }], failed: [] });

      const ended = Date.now();
      const adopted = await daemon.event('certificate.adopted', ({ id }) => id === 'one.test');
      // Two seconds are promised; a machine may be busy.
      expect(Date.parse(adopted.time) - ended).toBeLessThan(10_000);
      const after = await eventually('the new certificate', async () => {
        const serial = await serialAt(daemon);
        return serial === before ? undefined : serial;
      });
      expect(after).not.toBe(before);
      expect(orders(pebble)).toBe(2);
      expect(await ask(kept)).toContain('one /');
      kept.destroy();
      expect(await echoed(webSocket, 'after')).toBe('after');
      webSocket.terminate();
    },
  );
});

function issuerSection({ directory, caRoot }: Pebble, challenges: readonly string[]): string {
  return `issuer pebble
  directory ${directory}
  ca-root ${caRoot}
${challenges.map((challenge) => `  challenge ${challenge}\n`).join('')}`;
}

function atPebble(pebble: Pebble, challenges: readonly string[], routes: string): Promise<Workplace> {
  const ports = { http: pebble.httpPort, https: pebble.tlsPort };
  return workplace(`${issuerSection(pebble, challenges)}${routes}`, ports);
}

/** How many orders the CA was asked for. */
function orders(pebble: Pebble): number {
  return pebble.log().match(/POST \/order-plz/g)?.length ?? 0;
}

function connect(daemon: Daemon): Promise<TLSSocket> {
  const options: ConnectionOptions = {
    host: '127.0.0.1',
    port: daemon.ports.https,
    servername: 'one.test',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  };
  return new Promise((resolve, reject) => {
    const socket = connectTls(options, () => resolve(socket));
    socket.on('error', reject);
  });
}

async function serialAt(daemon: Daemon): Promise<string> {
  const socket = await connect(daemon);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** One request over a connection that is kept; resolves with the whole answer of `startUpstream('one')`. */
function ask(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const listen = (data: Buffer): void => {
      answer += data;
      if (!answer.endsWith('one /\n')) return;
      socket.off('data', listen);
      resolve(answer);
    };
    socket.on('data', listen);
    socket.once('close', () => reject(new Error(`the connection was closed after ${answer}`)));
    socket.write('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n');
  });
}
