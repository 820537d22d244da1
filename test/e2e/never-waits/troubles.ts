import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toCertificate } from '../../../src/certs/facts.ts';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { FileStore } from '../../../src/store/file-store.ts';
import { TestAuthority } from '../../responder.ts';
import type { Daemon } from '../daemon.ts';
import { startSlowCa } from './slow-ca.ts';

const run = promisify(execFile);

/** Something behind the pipeline that does not do its part. */
export interface Trouble extends AsyncDisposable {
  /** Sections that make the pipeline meet it. */
  readonly config: string;
  /** Whether it holds the pipeline up now. */
  isFelt(daemon: Daemon): Promise<boolean>;
  /** Names that are served all the same once the configuration is in force, and the root above their certificates. */
  readonly served?: { readonly names: readonly string[]; readonly root: string };
}

/** `upstream`: for routes whose names are asked. */
export type Begin = (daemon: Daemon, upstream: string) => Promise<Trouble>;

/** More names than flights that an issuer may have at a time, so that some wait for others. */
const SEVERAL = 10;

/** A CA that takes connections and never says a word. */
export const silentCa: Begin = async () => {
  const server = await startSilentServer();
  const names = numbered('silent-ca', SEVERAL);
  return {
    config:
      acmeIssuer('silent-ca', `https://127.0.0.1:${server.port}/directory`) + routes('silent-ca', names),
    isFelt: async () => server.connections > 0,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** An OCSP responder that takes questions and answers none, for a certificate that is being served. */
export const silentResponder: Begin = async (daemon, upstream) => {
  const server = await startSilentServer();
  const authority = await TestAuthority.create();
  const name = 'stapled.example.org';
  const leaf = await authority.issue({
    name,
    extensions: [
      `subjectAltName=DNS:${name}`,
      `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${server.port}/ocsp`,
    ],
  });
  const certificate = toCertificate(`${leaf.pem}${authority.ca.pem}`, leaf.key, {
    id: name,
    issuer: 'past-ca',
    obtainedAt: systemClock.now(),
    source: 'rigil',
  });
  const store = storeOf(daemon);
  const lock = await store.lock(lockKeyOf(name), new AbortController().signal);
  await store.save(certificate, lock);
  await lock.release();
  return {
    config:
      acmeIssuer('past-ca', `https://127.0.0.1:${server.port}/directory`) +
      routes('past-ca', [name], upstream),
    served: { names: [name], root: authority.ca.pem },
    isFelt: async () => server.received.includes('/ocsp'),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await authority.remove();
    },
  };
};

/** DNS servers that never answer, for proofs that are to be looked up there. */
export const silentDns: Begin = async (daemon) => {
  const ca = await startSlowCa(0);
  const socket = createSocket('udp4');
  let questions = 0;
  socket.on('message', () => questions++);
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const hook = join(daemon.folder, 'dns-hook');
  writeFileSync(hook, '#!/bin/sh\nexit 0\n');
  chmodSync(hook, 0o755);
  const issuer = `${acmeIssuer('dns-ca', ca.directory)}  ca-root ${ca.caRoot}
  challenge dns-01 exec path=${hook}
  resolvers 127.0.0.1:${socket.address().port}
`;
  return {
    config: issuer + routes('dns-ca', numbered('silent-dns', SEVERAL)),
    isFelt: async () => questions > 0,
    [Symbol.asyncDispose]: async () => {
      await ca.stop();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
};

/** The lock on a certificate is held by a process that is stopped. */
export const stoppedLockHolder: Begin = async (daemon) => {
  const name = 'locked.test';
  const file = join(daemon.folder, 'locked.json');
  writeFileSync(file, JSON.stringify({ facts: { id: name } }));
  const program = join(import.meta.dirname, '../../store/programs/hold-lock.ts');
  const holder = spawn(process.execPath, [program, daemon.store, file], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  holder.kill('SIGSTOP');
  return {
    config: routes('internal', [name]),
    isFelt: (running) => isWorkingOn(running, name),
    [Symbol.asyncDispose]: async () => {
      holder.kill('SIGKILL');
      await ended;
    },
  };
};

/** Files of the store whose reading never ends, as on a network file system whose server is gone. */
export const hangingStore: Begin = async (daemon) => {
  const names = Array.from({ length: SEVERAL }, (_, index) => `hanging-store-${index}.test`);
  const folder = join(daemon.store, 'journal');
  mkdirSync(folder, { recursive: true });
  const pipes = names.map((name) => join(folder, `${name}.json`));
  await run('mkfifo', pipes);
  return {
    config: routes('internal', names),
    isFelt: (running) => isWorkingOn(running, names[0] ?? ''),
    [Symbol.asyncDispose]: async () => {
      for (const pipe of pipes) {
        // A writer that goes away at once: whoever reads sees the end of the file.
        if (existsSync(pipe)) closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));
        rmSync(pipe, { force: true });
      }
    },
  };
};

/** The disk of the store is full. The store must be on a small file system of its own. */
export const fullDisk: Begin = async (daemon) => {
  const names = Array.from({ length: SEVERAL }, (_, index) => `full-disk-${index}.test`);
  const filler = join(daemon.store, 'filler');
  fill(filler);
  const before = daemon.events().length;
  return {
    config: routes('internal', names),
    isFelt: async (running) =>
      running
        .events()
        .slice(before)
        .some((line) => JSON.stringify(line).includes('ENOSPC')),
    [Symbol.asyncDispose]: async () => rmSync(filler, { force: true }),
  };
};

/** Keys that take seconds of a processor each. */
export const heavyKeys: Begin = async () => {
  const names = Array.from({ length: 6 }, (_, index) => `heavy-keys-${index}.test`);
  return {
    config: `issuer heavy\n  type internal\n  key-type rsa4096\n${routes('heavy', names)}`,
    isFelt: (running) => isWorkingOn(running, names[0] ?? ''),
    [Symbol.asyncDispose]: async () => {},
  };
};

/** A configuration of ten thousand routes, all of which want a certificate from a CA that never answers. */
export const manyRoutes: Begin = async () => {
  const server = await startSilentServer();
  const names = numbered('many', 10_000);
  return {
    config: acmeIssuer('many-ca', `https://127.0.0.1:${server.port}/directory`) + routes('many-ca', names),
    isFelt: async () => server.connections > 0,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** All of them at once. Which are felt depends: a store that hangs keeps the pipeline from getting to the others. */
export function together(troubles: readonly Begin[]): Begin {
  return async (daemon, upstream) => {
    await using stack = new AsyncDisposableStack();
    const begun: Trouble[] = [];
    for (const begin of troubles) begun.push(stack.use(await begin(daemon, upstream)));
    const over = stack.move();
    return {
      config: begun.map(({ config }) => config).join(''),
      isFelt: async (running) => (await Promise.all(begun.map((each) => each.isFelt(running)))).some(Boolean),
      [Symbol.asyncDispose]: () => over.disposeAsync(),
    };
  };
}

interface SilentServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
  /** All that was sent to it. */
  readonly received: string;
}

async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  let received = '';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received += data.toString('latin1');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    get received() {
      return received;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function storeOf(daemon: Daemon): FileStore {
  return new FileStore({ directory: daemon.store, clock: systemClock, emit: () => {} });
}

async function isWorkingOn(daemon: Daemon, id: string): Promise<boolean> {
  return (await daemon.status()).work.some((each) => each.id === id);
}

function acmeIssuer(name: string, directory: string): string {
  return `issuer ${name}\n  type acme\n  directory ${directory}\n`;
}

function numbered(what: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${what}-${index}.example.org`);
}

function routes(issuer: string, names: readonly string[], upstream = '127.0.0.1:9'): string {
  return names.map((name) => `route ${name}\n  upstream ${upstream}\n  provider ${issuer}\n`).join('');
}

function fill(path: string): void {
  const file = openSync(path, 'w');
  // First in large pieces, then every single byte that is left.
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch {}
  }
  closeSync(file);
}

/** Whether this process may put a small file system where the store is to be. */
export async function mountSmallDisk(directory: string): Promise<boolean> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', directory]);
    return true;
  } catch {
    return false;
  }
}

export async function unmount(directory: string): Promise<void> {
  await run('umount', [directory]);
}

export function rootsOf(daemon: Daemon): string {
  return readFileSync(daemon.root, 'utf8');
}
