import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { peer } from './peers.ts';

export interface BindZone {
  readonly name: string;
  /** Lines of the zone file after the SOA record. */
  readonly records: readonly string[];
  /** Statements of `update-policy`. */
  readonly updatePolicy?: string;
}

export interface BindKey {
  readonly name: string;
  readonly algorithm: string;
  /** Base64. */
  readonly secret: string;
}

export interface BindOptions {
  readonly zones?: readonly BindZone[];
  /** Zones whose file cannot be loaded: questions about them are answered SERVFAIL. */
  readonly brokenZones?: readonly string[];
  readonly keys?: readonly BindKey[];
  /** Zones that are resolved by asking the server at this port: makes this one a recursive resolver. */
  readonly forward?: Readonly<Record<string, number>>;
}

export interface Bind {
  readonly port: number;
  /** `127.0.0.1:port`: BIND listens only at addresses that an interface has, and on the loopback that is this one. */
  readonly server: string;
  stop(): Promise<void>;
}

const ADDRESS = '127.0.0.1';

/** A port that is free for TCP and UDP. */
export async function freeDnsPort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const tcp = createServer().listen(0, ADDRESS);
    await once(tcp, 'listening');
    const bound = tcp.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const udp = createSocket('udp4');
    const free = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, ADDRESS, () => resolve(true));
    });
    udp.close();
    tcp.close();
    await once(tcp, 'close');
    if (free) return port;
  }
  throw new Error('no port is free for TCP and UDP');
}

/** Starts a real BIND on the loopback, without its control channel, and waits until it answers. */
export async function startBind(options: BindOptions): Promise<Bind> {
  for (let attempt = 1; ; attempt++) {
    const started = await start(options, await freeDnsPort());
    if ('stop' in started) return started;
    // Between looking for a port and using it, another test may have taken it.
    if (attempt === 5 || !started.log.includes('address in use')) {
      throw new Error(`named did not start:\n${started.log}`);
    }
  }
}

async function start(options: BindOptions, port: number): Promise<Bind | { readonly log: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'rigil-bind-'));
  for (const zone of options.zones ?? []) {
    const soa = '@ 60 IN SOA ns1 hostmaster 1 3600 600 86400 1';
    await writeFile(join(dir, `${zone.name}.zone`), `${[soa, ...zone.records].join('\n')}\n`);
  }
  for (const name of options.brokenZones ?? [])
    await writeFile(join(dir, `${name}.zone`), 'this is no zone file\n');
  await writeFile(join(dir, 'named.conf'), configuration(dir, port, options));

  const named = spawn(peer('named'), ['-g', '-n', '1', '-c', join(dir, 'named.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  named.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  // A run that is broken off leaves no server behind.
  const onExit = (): void => void named.kill('SIGKILL');
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.off('exit', onExit);
    await end(named);
    await rm(dir, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 400; attempt++) {
    if (named.exitCode !== null || log.includes('address in use')) break;
    if (log.includes('running') && (await answers(port))) {
      return { port, server: `${ADDRESS}:${port}`, stop };
    }
    await delay(25);
  }
  await stop();
  return { log };
}

function configuration(dir: string, port: number, options: BindOptions): string {
  const recursion = options.forward === undefined ? 'no' : 'yes';
  const keys = (options.keys ?? []).map(
    ({ name, algorithm, secret }) => `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };`,
  );
  const zones = (options.zones ?? []).map(({ name, updatePolicy }) => {
    const policy = updatePolicy === undefined ? '' : `update-policy { ${updatePolicy} };`;
    return `zone "${name}" { type primary; file "${name}.zone"; ${policy} };`;
  });
  const broken = (options.brokenZones ?? []).map(
    (name) => `zone "${name}" { type primary; file "${name}.zone"; };`,
  );
  const forwarded = Object.entries(options.forward ?? {}).map(
    ([name, to]) => `zone "${name}" { type forward; forward only; forwarders { ${ADDRESS} port ${to}; }; };`,
  );
  return [
    `options { directory "${dir}"; listen-on port ${port} { ${ADDRESS}; }; listen-on-v6 { none; }; pid-file none;`,
    `session-keyfile none; recursion ${recursion}; allow-query { any; }; allow-recursion { any; }; notify no;`,
    `dnssec-validation no; empty-zones-enable no; check-names primary ignore; max-ncache-ttl 0; max-cache-ttl 0; };`,
    'controls { };',
    ...keys,
    ...zones,
    ...broken,
    ...forwarded,
  ].join('\n');
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, ADDRESS);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, 'exit');
  process.kill('SIGKILL');
  await ended;
}
