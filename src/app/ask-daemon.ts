import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type Status, troubles } from '../admin/status.ts';
import type { ListenAddress } from '../config/config.ts';
import { Fault } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import { formatListenAddress, parseListenAddress } from '../config/values/listen-address.ts';
import { messageOf, RigilError, systemCodeOf } from '../errors.ts';
import type { OfflineOptions } from './offline.ts';

export type { Status } from '../admin/status.ts';

/** Longest silence of a daemon before it is given up, in milliseconds. */
const TIMEOUT_MS = 10_000;
/** Room for ten thousand certificates with their errors. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

export interface DaemonReport {
  /** Where it answered. */
  readonly address: string;
  readonly status: Status;
  /** What is not well, in words; empty = all is well. */
  readonly troubles: readonly string[];
}

/**
 * Asks a running daemon what it is doing.
 *
 * @param admin its admin endpoint, as in the `admin` directive; null = the one that the configuration names
 * @throws RigilError `daemon-unreachable`, `usage` for an address that cannot be asked
 */
export async function askDaemon(
  admin: string | null,
  options: () => Pick<OfflineOptions, 'file' | 'onInvalid'>,
): Promise<DaemonReport> {
  const listener = admin === null ? await configuredAddress(options()) : addressOf(admin);
  const address = formatListenAddress(listener);
  const status = parse(await get(listener, '/api/status'), address);
  return { address, status, troubles: troubles(status) };
}

function addressOf(text: string): ListenAddress {
  const bare = text.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const address = parseListenAddress(bare, '.');
  if (address instanceof Fault) {
    throw new RigilError('usage', `--admin ${text} ${address.message}`, { hint: address.hint ?? undefined });
  }
  return address;
}

async function configuredAddress({
  file,
  onInvalid,
}: Pick<OfflineOptions, 'file' | 'onInvalid'>): Promise<ListenAddress> {
  const { config, diagnostics } = await loadConfig({
    ...{ file, env: process.env, mode: 'check' },
    needed: ['admin'],
  });
  if (config === null) return onInvalid(file, diagnostics);
  if (config.global.admin !== null) return config.global.admin;
  throw new RigilError(
    'daemon-unreachable',
    `${file} switches the admin endpoint off, so no daemon can be asked`,
    {
      hint: 'name it with --admin if it runs with another configuration, or write `admin 127.0.0.1:9180`',
    },
  );
}

async function get(listener: ListenAddress, path: string): Promise<Buffer> {
  const address = formatListenAddress(listener);
  try {
    const answer = await exchange(request({ ...targetOf(listener), path, agent: false }));
    if (answer.status === 200) return answer.body;
    throw new RigilError(
      'daemon-unreachable',
      `${address} answered ${answer.status}: is that the admin endpoint?`,
      {
        hint: 'the `admin` directive of the daemon, and its log, say where it is',
      },
    );
  } catch (error) {
    throw error instanceof RigilError ? error : unreachable(address, error);
  }
}

/** Where to knock for an address that somebody listens on: what stands for all interfaces is met on loopback. */
function targetOf(listener: ListenAddress) {
  switch (listener.kind) {
    case 'tcp': {
      const { host, port } = listener;
      const everywhere = host === null || host === '0.0.0.0' || host === '::';
      return { host: everywhere ? (host === '::' ? '::1' : '127.0.0.1') : host, port };
    }
    case 'unix':
      return { socketPath: listener.path, headers: { host: 'localhost' } };
    case 'fd':
      throw new RigilError('usage', `the admin endpoint is the inherited descriptor ${listener.fd}`, {
        hint: 'say where it is with --admin, as the socket unit does',
      });
    default:
      return listener satisfies never;
  }
}

function exchange(outgoing: ClientRequest): Promise<{ readonly status: number; readonly body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>();
  outgoing.setTimeout(TIMEOUT_MS, () =>
    outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
  );
  outgoing.on('error', reject);
  outgoing.on('response', (incoming: IncomingMessage) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('error', reject);
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > LARGEST_ANSWER) outgoing.destroy(new Error('the answer has no end'));
    });
    incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
  });
  outgoing.end();
  return promise;
}

function parse(body: Buffer, address: string): Status {
  try {
    const status = JSON.parse(body.toString('utf8')) as Status;
    if (typeof status.version === 'string' && Array.isArray(status.certificates)) return status;
  } catch {
    // Not JSON: somebody else answers there.
  }
  throw new RigilError('daemon-unreachable', `what answers at ${address} is not rigil`, {
    hint: 'see whether `admin` in the configuration is that of the running daemon',
  });
}

function unreachable(address: string, error: unknown): RigilError {
  const code = systemCodeOf(error);
  const silent = code === 'ECONNREFUSED' || code === 'ENOENT';
  return new RigilError(
    'daemon-unreachable',
    silent
      ? `no daemon answers at ${address}`
      : `the daemon at ${address} cannot be asked: ${messageOf(error)}`,
    {
      hint:
        code === 'EACCES'
          ? 'the socket belongs to another user; run this as the user of the daemon'
          : 'start it with `rigil serve`, or say where its admin endpoint is with --admin ADDR',
      cause: error,
    },
  );
}
