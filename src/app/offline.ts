import { CertificateManager } from '../certs/manager.ts';
import type { Issuer, StapleSource } from '../certs/ports.ts';
import type { Board } from '../challenges/board.ts';
import { StandaloneBoard } from '../challenges/standalone.ts';
import { StoredBoard } from '../challenges/stored-board.ts';
import type { Config, ListenAddress } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { loadConfig } from '../config/load.ts';
import { messageOf } from '../errors.ts';
import { type Emit, EventBus } from '../events/bus.ts';
import { StapleKeeper } from '../ocsp/staple-keeper.ts';
import { type Instant, systemClock } from '../platform/clock.ts';
import { systemFetch } from '../platform/fetch.ts';
import { systemRandom } from '../platform/random.ts';
import type { Store } from '../store/store.ts';
import { withRoutes } from './config-file.ts';
import { Issuers } from './issuers.ts';
import { storedRoutes } from './routes-source.ts';
import { openStore } from './store.ts';
import { wantedOf } from './wanted.ts';

export type { Diagnostic } from '../config/diagnostics.ts';
export type { Emit } from '../events/bus.ts';
export type { Event } from '../events/event.ts';

export interface OfflineOptions {
  /** The configuration file; `-` is standard input. */
  readonly file: string;
  /** Told the problems of an invalid configuration. */
  readonly onInvalid: (file: string, diagnostics: readonly Diagnostic[]) => never;
  /** Told what happens meanwhile. Default: nobody is. */
  readonly listen?: Emit;
  /** Breaks the work off; challenges are taken down first. */
  readonly signal?: AbortSignal;
}

/** The pipeline of the daemon, for a command: nothing is served from it, and it ends with its work. */
export interface Offline {
  readonly config: Config;
  readonly store: Store;
  /** By name. Empty for who only looks. */
  readonly issuers: ReadonlyMap<string, Issuer>;
  /** Has read the store, and knows what is wanted. */
  readonly manager: CertificateManager;
  /** Knows the OCSP answers that are kept. */
  readonly staples: Pick<StapleKeeper, 'answerOf'>;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  now(): Instant;
}

export interface OfflineUse {
  /** `look` needs no secrets: variables that are not set are left out, but for what it goes by. */
  readonly purpose: 'look' | 'work';
  /** Certificates that failed may be tried again sooner, refused ones at all. Default false. */
  readonly retry?: boolean;
  /** Directives of issuers that `look` goes by, besides those that say what is wanted and where it is. Default: none. */
  readonly needed?: readonly string[];
}

/** Without a value for one of these a command would look in a wrong place, or for the wrong things. */
const ALWAYS_NEEDED = ['store', 'config-source', 'issuers', 'wildcard-domains', 'type', 'directory'];

/**
 * Does `work` with the store and the issuers of a configuration, with or without a daemon beside it, and puts
 * everything away afterwards.
 *
 * @throws RigilError `config-unreadable`, that of the store, or that of `work`
 */
export async function offline<Result>(
  { file, onInvalid, listen, signal = new AbortController().signal }: OfflineOptions,
  { purpose, retry = false, needed = [] }: OfflineUse,
  work: (offline: Offline) => Promise<Result>,
): Promise<Result> {
  const mode = purpose === 'look' ? 'check' : 'daemon';
  const { config: base, diagnostics } = await loadConfig({
    ...{ file, env: process.env, mode },
    needed: [...ALWAYS_NEEDED, ...needed],
  });
  if (base === null) return onInvalid(file, diagnostics);

  const bus = new EventBus(() => {});
  if (listen !== undefined) bus.subscribe(listen);
  const tools = { clock: systemClock, random: systemRandom, emit: bus.emit };
  const store = openStore(base.global.store, { ...tools, env: process.env });
  try {
    const config = await withSentRoutes(base, store, mode);
    return await withPipeline({ config, store, purpose, retry, signal, ...tools }, work);
  } finally {
    await store.close();
  }
}

/**
 * The store of a configuration, for a command that needs nothing else; close it.
 *
 * @throws RigilError `config-unreadable`, `config-invalid`
 */
export async function openConfigured({ file, onInvalid, listen = () => {} }: OfflineOptions): Promise<Store> {
  const { config, diagnostics } = await loadConfig({ file, env: process.env, mode: 'daemon' });
  if (config === null) return onInvalid(file, diagnostics);
  return openStore(config.global.store, { clock: systemClock, emit: listen, env: process.env });
}

/** Does `work` with issuers and a manager that has read the store. */
async function withPipeline<Result>(
  parts: Pick<Offline, 'config' | 'store' | 'signal' | 'emit'> & Required<Omit<OfflineUse, 'needed'>>,
  work: (offline: Offline) => Promise<Result>,
): Promise<Result> {
  const { config, store, signal, emit, purpose, retry } = parts;
  const tools = { clock: systemClock, random: systemRandom, emit };
  const made = new Issuers({ store, board: boardOf(config, store), env: process.env, ...tools });
  const staples = new StapleKeeper({
    documents: store.documents,
    fetch: systemFetch,
    onChange: () => {},
    ...tools,
  });
  const manager = new CertificateManager({ store, staples: whatIsKnown(staples), ...tools });
  try {
    // Who only looks asks no issuer, and their secrets may not be here.
    const issuers = purpose === 'look' ? new Map<string, Issuer>() : made.of(config);
    await Promise.all([manager.load(), staples.recallAll()]);
    manager.setWanted(wantedOf(config).wanted, issuers, { retry });
    return await work({
      ...{ config, store, issuers, manager, staples, signal, emit },
      now: () => systemClock.now(),
    });
  } finally {
    await manager.stop();
    await made.close().catch((error: unknown) => {
      emit({ event: 'fault', where: 'closing connections', message: messageOf(error), stack: null });
    });
  }
}

/** A command asks no responder, but what a CA has revoked is due for it too. */
function whatIsKnown(keeper: StapleKeeper): StapleSource {
  return {
    dueAt: () => null,
    refresh: (certificate, signal) => keeper.refresh(certificate, signal),
    revokedAt: (fingerprint) => keeper.revokedAt(fingerprint),
  };
}

/** The present moment, for printing what lies ahead of it and behind it. */
export function presentMoment(): Instant {
  return systemClock.now();
}

/** What a daemon serves whose routes come from a server. */
async function withSentRoutes(base: Config, store: Store, mode: 'check' | 'daemon'): Promise<Config> {
  const routes = await storedRoutes(store.documents, base.global.configSource);
  if (routes === null) return base;
  return (await withRoutes(base, routes, { env: process.env, mode })).config ?? base;
}

/** A daemon has the ports that a CA looks at, so it answers; without one the command listens there itself. */
function boardOf({ global: { http, https } }: Config, store: Store): Board {
  const audience = async () => (await store.daemons()).map(({ node }) => node);
  const stored = new StoredBoard(store.documents, systemClock, { audience });
  const standalone = new StandaloneBoard({
    ...addressFor('http-01', http),
    ...addressFor('tls-alpn-01', https),
  });
  return {
    put: async (key, answer, signal) => {
      const board = (await store.daemons()).length === 0 ? standalone : stored;
      return board.put(key, answer, signal);
    },
  };
}

/** Where the configuration listens, so that whatever forwards to there reaches the command. */
function addressFor(type: 'http-01' | 'tls-alpn-01', listeners: readonly ListenAddress[]) {
  const [first, ...others] = listeners.filter((listener) => listener.kind === 'tcp');
  if (first === undefined) return {};
  // One listener for several addresses: the CA may choose any of them.
  const host = others.some(({ port }) => port === first.port) ? null : first.host;
  return { [type]: { host, port: first.port } };
}
