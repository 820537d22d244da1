import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { systemClock } from '../src/platform/clock.ts';
import { systemHttp } from '../src/platform/http.ts';
import { loopbackCertificate } from './loopback-certificate.ts';
import { find, has } from './peers.ts';

/** The programs of one Pebble. */
export interface PebblePrograms {
  readonly label: string;
  readonly pebble: string;
  readonly challtestsrv: string;
  /** Whether it knows renewal information, profiles and dns-persist-01, which came after Debian's 2.4.0. */
  readonly modern: boolean;
}

/**
 * A suite for every Pebble of this machine: the one that the environment names (`PEBBLE`, `RIGIL_PEER_PEBBLE`), which
 * may be newer, and Debian's. Skipped when there is none.
 *
 * @param kind `modern`, `old` or `any`
 */
export function describeAtPebbles(
  title: string,
  kind: 'any' | 'modern' | 'old',
  suite: (programs: PebblePrograms) => void,
): void {
  const found = pebbles().filter(({ modern }) => kind === 'any' || modern === (kind === 'modern'));
  for (const programs of found) describe(`${title} (${programs.label})`, () => suite(programs));
  if (found.length > 0) return;
  const none = { label: 'no Pebble', pebble: '', challtestsrv: '', modern: kind === 'modern' };
  // Only where there is no such Pebble: Debian's is an old one, and the newest is built where a Go is found. The suite is
  // shown as left out rather than missing. Without any, `has` throws where peers are compulsory.
  describe.skip(`${title} (no ${kind} Pebble)`, () => suite(none));
}

/** The Pebbles of this machine, the one that the environment names first. */
export function pebbles(): readonly PebblePrograms[] {
  if (!has('pebble') || !has('pebble-challtestsrv')) return [];
  const challtestsrv = process.env['PEBBLE_CHALLTESTSRV'] ?? find('pebble-challtestsrv') ?? '';
  const paths = [process.env['PEBBLE'], find('pebble'), '/usr/bin/pebble'].filter(
    (path): path is string => typeof path === 'string' && isProgram(path),
  );
  return [...new Set(paths)].map((pebble) => ({
    label: pebble === '/usr/bin/pebble' ? "Debian's Pebble" : 'Pebble of the environment',
    pebble,
    challtestsrv,
    modern: help(pebble).includes('-version'),
  }));
}

export interface PebbleOptions {
  /** `PEBBLE_…` variables, such as `PEBBLE_WFE_NONCEREJECT`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Key ids and base64url keys; with any, accounts need a binding. */
  readonly macKeys?: Readonly<Record<string, string>>;
  /** Further fields of the `pebble` object of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** `ip:port` of the DNS server that it asks. Default: one of its own, which `setTxt` fills. */
  readonly resolver?: string;
}

/** A Pebble with its DNS, both on loopback. */
export interface Pebble {
  readonly directory: string;
  /** PEM file of the root of its API certificate. */
  readonly caRoot: string;
  /** Where it looks for http-01 and tls-alpn-01. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Where its DNS answers: `127.0.0.1:port`. */
  readonly dnsServer: string;
  /** Where that DNS takes `POST /set-txt` and `/clear-txt`. */
  readonly dnsApi: string;
  /** Adds one TXT value, or with `null` removes all values of the name. */
  setTxt(name: string, value: string | null): Promise<void>;
  /** Reads from its management interface (`/roots/0`, `/cert-status-by-serial/…`), or posts JSON to it. */
  manage(path: string, post?: unknown): Promise<{ readonly status: number; readonly body: string }>;
  /** What it wrote, for counting what it was asked. */
  log(): string;
  stop(): Promise<void>;
}

const TRIES = 200;

export async function startPebble(programs: PebblePrograms, options: PebbleOptions = {}): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'rigil-pebble-'));
  const ports = await freePorts(6);
  const [api = 0, management = 0, httpPort = 0, tlsPort = 0, dns = 0, challengeApi = 0] = ports;
  const certificate = await loopbackCertificate();
  const caRoot = join(folder, 'root.pem');
  const keyFile = join(folder, 'key.pem');
  const configFile = join(folder, 'pebble.json');
  await writeFile(caRoot, certificate.chain);
  await writeFile(keyFile, certificate.key);
  const macKeys = options.macKeys ?? {};
  const pebble = {
    listenAddress: `127.0.0.1:${api}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: caRoot,
    privateKey: keyFile,
    httpPort,
    tlsPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: Object.keys(macKeys).length > 0,
    externalAccountMACKeys: macKeys,
    domainBlocklist: ['blocked.test'],
    retryAfter: { authz: 0, order: 0 },
    caaIdentities: ['pebble.test'],
    profiles: {
      default: { description: 'the usual', validityPeriod: 7_776_000 },
      shortlived: { description: 'six days', validityPeriod: 518_400 },
    },
    ...options.config,
  };
  await writeFile(configFile, JSON.stringify({ pebble }));

  const dnsServer = `127.0.0.1:${dns}`;
  const dnsApi = `http://127.0.0.1:${challengeApi}`;
  const challenges = start(
    programs.challtestsrv,
    await challengeArguments(programs, dnsServer, challengeApi),
  );
  const server = start(
    programs.pebble,
    ['-config', configFile, '-dnsserver', options.resolver ?? dnsServer],
    {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: '5',
      PEBBLE_AUTHZREUSE: '0',
      ...options.environment,
    },
  );
  const directory = `https://127.0.0.1:${api}/dir`;
  const ask = (url: string, post?: unknown) =>
    systemHttp(
      {
        ...(post === undefined ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(post) }),
        url,
        ca: certificate.chain,
      },
      new AbortController().signal,
    );
  const setTxt = async (name: string, value: string | null) => {
    const host = `${name}.`;
    await systemHttp(
      {
        method: 'POST',
        url: `${dnsApi}/${value === null ? 'clear-txt' : 'set-txt'}`,
        body: JSON.stringify(value === null ? { host } : { host, value }),
      },
      new AbortController().signal,
    );
  };
  const stop = async () => {
    await Promise.all([server.stop(), challenges.stop()]);
    await rm(folder, { recursive: true });
  };
  try {
    await untilAnswers(() => ask(directory), server);
    await untilAnswers(() => setTxt('ready.test', null), challenges);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory,
    caRoot,
    httpPort,
    tlsPort,
    dnsServer,
    dnsApi,
    setTxt,
    manage: (path, post) => ask(`https://127.0.0.1:${management}${path}`, post),
    log: server.log,
    stop,
  };
}

/** Debian's and newer releases name the DNS listener differently, and newer ones have one more listener. */
function challengeArguments(
  { challtestsrv }: PebblePrograms,
  dnsServer: string,
  management: number,
): readonly string[] {
  const newer = help(challtestsrv).includes('-dnsserver');
  return [
    ...['-management', `127.0.0.1:${management}`, '-defaultIPv4', '127.0.0.1', '-defaultIPv6', ''],
    ...['-http01', '', '-https01', '', '-tlsalpn01', ''],
    ...(newer ? ['-dnsserver', dnsServer, '-doh', ''] : ['-dns01', dnsServer]),
  ];
}

interface Program {
  readonly process: ChildProcess;
  log(): string;
  stop(): Promise<void>;
}

function start(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(file, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  return {
    process: child,
    log: () => log,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

async function untilAnswers(ask: () => Promise<unknown>, program: Program): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (tries >= TRIES || program.process.exitCode !== null) {
        throw new Error(`it does not answer: ${program.log().slice(-2_000)}`, { cause: error });
      }
      await systemClock.sleep(50);
    }
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function help(program: string): string {
  const { stdout, stderr } = spawnSync(program, ['-help'], { encoding: 'utf8' });
  return stdout + stderr;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
