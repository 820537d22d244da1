import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/app/renew-certificates.ts';
import { type Bind, startBind } from '../bind.ts';
import { type Workplace, workplace } from '../commands/workplace.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { has } from '../peers.ts';
import { type Daemon, eventually, rigil, startDaemon } from './daemon.ts';

const [programs] = pebbles();
const KEY = { name: 'k', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 9).toString('base64') };

/** A CA that is proved things in every way, its DNS, and a primary server of a zone. */
interface Surroundings {
  readonly folder: string;
  readonly pebble: Pebble;
  /** One more Pebble, which asks BIND. */
  readonly pebbleAtBind: Pebble;
  readonly bind: Bind;
  stop(): Promise<void>;
}

async function surroundings(ports: Readonly<Record<string, number>> = {}): Promise<Surroundings> {
  if (programs === undefined) throw new Error('there is no Pebble');
  const bind = await startBind({
    keys: [KEY],
    zones: [
      { name: 'bound.test', records: ['@ NS ns1', 'ns1 A 127.0.0.1'], updatePolicy: 'grant k zonesub TXT;' },
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'rigil-ways-'));
  const environment = { PEBBLE_WFE_NONCEREJECT: '0' };
  const pebble = await startPebble(programs, { environment, config: ports });
  const pebbleAtBind = await startPebble(programs, { environment, resolver: bind.server });
  hook(folder, pebble);
  return {
    folder,
    pebble,
    pebbleAtBind,
    bind,
    stop: async () => {
      await Promise.all([pebble.stop(), pebbleAtBind.stop(), bind.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** A program as lego calls it, that tells Pebble's DNS. */
function hook(folder: string, { dnsApi }: Pebble): void {
  const program = `#!${process.execPath}
const [, , command, host, value] = process.argv;
const path = command === 'present' ? 'set-txt' : 'clear-txt';
fetch('${dnsApi}/' + path, { method: 'POST', body: JSON.stringify({ host, value }) }).then(({ ok }) => process.exit(ok ? 0 : 1));
`;
  const file = join(folder, 'hook.mjs');
  writeFileSync(file, program);
  chmodSync(file, 0o755);
}

const WAYS = [
  'http-01',
  'tls-alpn-01',
  'exec',
  'rfc2136',
  'address by http-01',
  'address by tls-alpn-01',
] as const;

/** The names to be certified in one way, and the sections for them. */
function way(kind: (typeof WAYS)[number], { folder, pebble, pebbleAtBind, bind }: Surroundings) {
  const section = ({ directory, caRoot }: Pebble, ...lines: readonly string[]): string =>
    ['issuer pebble', `directory ${directory}`, `ca-root ${caRoot}`, ...lines].join('\n  ');
  const dns = (at: Pebble, server: string, challenge: string): string =>
    section(at, challenge, `resolvers ${server}`, 'propagation skip delay=0s');
  const rfc2136 = `challenge dns-01 rfc2136 server=${bind.server} key=${KEY.name} secret=${KEY.secret}`;
  switch (kind) {
    case 'http-01':
    case 'tls-alpn-01':
      return { names: [`${kind}.test`, `www.${kind}.test`], issuer: section(pebble, `challenge ${kind}`) };
    case 'exec':
      return {
        names: ['*.exec.test', 'exec.test'],
        issuer: dns(
          pebble,
          pebble.dnsServer,
          `challenge dns-01 exec cname=ignore path=${join(folder, 'hook.mjs')}`,
        ),
      };
    case 'rfc2136':
      return { names: ['*.bound.test', 'bound.test'], issuer: dns(pebbleAtBind, bind.server, rfc2136) };
    case 'address by http-01':
    case 'address by tls-alpn-01':
      return {
        names: ['127.0.0.1'],
        issuer: section(pebble, `challenge ${kind.slice('address by '.length)}`),
      };
    default: {
      const unknown: never = kind;
      return unknown;
    }
  }
}

function configuration({ names, issuer }: ReturnType<typeof way>): string {
  return `${issuer}\nroute ${names.join(' ')}\n  provider pebble\n  upstream localhost:1\n`;
}

const missing = programs === undefined || !has('named');

describe.skipIf(missing)('certs obtain without a daemon', { timeout: 120_000 }, () => {
  let around: Surroundings;
  let place: Workplace;
  beforeAll(async () => {
    around = await surroundings();
    place = await workplace('', { http: around.pebble.httpPort, https: around.pebble.tlsPort });
  }, 120_000);
  afterAll(async () => {
    place?.[Symbol.dispose]();
    await around?.stop();
  });

  it.each(WAYS)('proves what it asks for by %s', async (kind) => {
    const { names, issuer } = way(kind, around);
    place.configure(configuration({ names, issuer }));
    const force = kind === 'address by tls-alpn-01';
    const { code, value, stderr } = await place.json<RunResult>(
      ...(force ? ['certs', 'renew', '--force', '127.0.0.1'] : ['certs', 'obtain']),
    );
    expect(value, stderr).toMatchObject({ renewed: [{ id: names[0] }], failed: [] });
    expect(code).toBe(0);
    const shown = await place.json<{ names: string[] }>('certs', 'show', names[0] ?? '');
    expect(shown.value.names.toSorted()).toEqual(names.toSorted());
    expect(stderr).not.toContain('challenge.left');
  });
});

describe.skipIf(missing)('certs obtain beside a daemon', { timeout: 120_000 }, () => {
  let around: Surroundings;
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon('route one.localhost\n  upstream localhost:1\n', { workers: 1 });
    around = await surroundings({ httpPort: daemon.ports.http, tlsPort: daemon.ports.https });
  }, 120_000);
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await around?.stop();
  });

  it.each(WAYS)('has it answer the CA by %s, and it takes the certificate over', async (kind) => {
    const { names, issuer } = way(kind, around);
    const [id = ''] = names;
    daemon.configure(configuration({ names, issuer }));
    const force = kind === 'address by tls-alpn-01';
    const { code, stdout, stderr } = await rigil([
      ...(force ? ['certs', 'renew', '--force', id] : ['certs', 'obtain']),
      ...['--json', '-c', daemon.configFile],
    ]);
    expect(JSON.parse(stdout), stderr).toMatchObject({ renewed: [{ id }], failed: [] });
    expect(code).toBe(0);
    const { stdout: shown } = await rigil(['certs', 'show', id, '--json', '-c', daemon.configFile]);
    const { serial } = JSON.parse(shown) as { serial: string };

    await daemon.reload();
    const certificate = await eventually('the certificate in the daemon', async () => {
      const { certificates } = await daemon.status();
      return certificates.find((each) => each.id === id && each.status === 'valid');
    });
    expect(certificate).toMatchObject({ serial });
    expect(daemon.events().filter((line) => line.event.endsWith('.started') && line['id'] === id)).toEqual(
      [],
    );
    if (kind.startsWith('address')) return;
    expect(await serialAt(daemon, id.replace('*', 'any'))).toBe(serial);
  });
});

function serialAt({ ports }: Daemon, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: ports.https, servername, rejectUnauthorized: false };
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
