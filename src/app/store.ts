import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { RedisStoreConfig, StoreConfig } from '../config/config.ts';
import { Fault } from '../config/fault.ts';
import { redisServer } from '../config/values/redis-url.ts';
import { RigilError, systemCodeOf } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { FileStore } from '../store/file-store.ts';
import { RedisStore } from '../store/redis/redis-store.ts';
import type { RedisServer } from '../store/redis/server.ts';
import { readSeal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import { certificatesOf } from '../x509/pem.ts';

export interface StoreTools {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A daemon keeps a copy of a database on its machine. Default false: a command needs none. */
  readonly keepsCopy?: boolean;
}

/**
 * The store that a configuration names. Nothing of it is read or made before it is used.
 *
 * @throws RigilError `config-invalid` when the keys or roots that it names cannot be read
 */
export function openStore(store: StoreConfig, tools: StoreTools): Store {
  if (store.kind === 'file') return new FileStore({ directory: store.dir, ...tools });
  return openRedis(store, tools);
}

/**
 * The folder of this machine that a daemon has to itself: that of the store, or of its copy of a database. Null where
 * there is none.
 */
export function localDirectory(store: StoreConfig, env: StoreTools['env']): string | null {
  return store.kind === 'file' ? store.dir : copyDirectory(store, env);
}

function openRedis(config: RedisStoreConfig, tools: StoreTools): RedisStore {
  const { prefix, seal } = config;
  return new RedisStore({
    server: serverOf(config),
    prefix,
    seal: readSeal(seal, tools.env),
    copyDirectory: tools.keepsCopy === true ? copyDirectory(config, tools.env) : null,
    clock: tools.clock,
    emit: tools.emit,
  });
}

/** Which Redis a configuration names. @throws RigilError `config-invalid` when the roots cannot be read */
export function serverOf({ url, ca, sentinelPassword }: RedisStoreConfig): RedisServer {
  const server = redisServer(url);
  if (server instanceof Fault) throw new RigilError('config-invalid', `the URL of Redis ${server.message}`);
  return { ...server, sentinelPassword, roots: ca === null ? null : readRoots(ca) };
}

/**
 * Where the copy of a database is: in the first folder of `$CACHE_DIRECTORY`, which systemd sets for `CacheDirectory=`,
 * else `$XDG_CACHE_HOME/rigil`, else `~/.cache/rigil`; null when none of them is set. Each database has its own.
 */
function copyDirectory({ url, prefix }: RedisStoreConfig, env: StoreTools['env']): string | null {
  const server = redisServer(url);
  if (server instanceof Fault) return null;
  const { mode, hosts, database, master } = server;
  const which = createHash('sha256')
    .update(JSON.stringify([mode, mode === 'single' ? hosts : master, database, prefix]))
    .digest('hex')
    .slice(0, 16);
  const cache = env['CACHE_DIRECTORY']?.split(':')[0];
  if (cache !== undefined && isAbsolute(cache)) return join(cache, `redis-${which}`);
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'rigil', `redis-${which}`);
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) ? join(home, '.cache/rigil', `redis-${which}`) : null;
}

function readRoots(path: string): string {
  const text = readFile(path);
  if (certificatesOf(text).length > 0) return text;
  throw new RigilError('config-invalid', `${path} holds no certificate in PEM`, {
    hint: 'it holds the roots that Redis is trusted by: see `ca=` of the `store` directive',
  });
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RigilError('config-invalid', `${path} cannot be read (${systemCodeOf(cause)})`, {
      hint: 'it holds the roots that Redis is trusted by: see `ca=` of the `store` directive',
      cause,
    });
  }
}
