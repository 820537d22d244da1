import { randomUUID } from 'node:crypto';
import type { Certificate } from '../../../src/certs/certificate.ts';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import type { Event } from '../../../src/events/event.ts';
import { type Clock, systemClock } from '../../../src/platform/clock.ts';
import { RedisStore } from '../../../src/store/redis/redis-store.ts';
import type { RedisServer } from '../../../src/store/redis/server.ts';
import { Seal } from '../../../src/store/seal.ts';

export interface OpenOptions {
  readonly port: number;
  readonly prefix?: string;
  readonly seal?: Seal;
  readonly copyDirectory?: string | null;
  readonly events?: Event[];
  readonly clock?: Clock;
  readonly user?: string;
  readonly password?: string;
  /** What differs from one server on 127.0.0.1 without TLS. */
  readonly server?: Partial<RedisServer>;
}

/** A store as one process sees it. */
export function openRedisStore(options: OpenOptions): RedisStore {
  const { port, prefix = 'rigil', seal = new Seal([]), copyDirectory = null, events = [] } = options;
  return new RedisStore({
    server: {
      mode: 'single',
      tls: false,
      hosts: [{ host: '127.0.0.1', port }],
      user: options.user ?? null,
      password: options.password ?? null,
      database: 0,
      master: null,
      sentinelPassword: null,
      roots: null,
      ...options.server,
    },
    prefix,
    seal,
    copyDirectory,
    clock: options.clock ?? systemClock,
    emit: (event) => void events.push(event),
  });
}

/** A prefix that no other test has. */
export function ownPrefix(): string {
  return `test-${randomUUID()}`;
}

/** Saves under the certificate's lock. */
export async function saveUnderLock(store: RedisStore, certificate: Certificate): Promise<void> {
  const lock = await store.lock(lockKeyOf(certificate.facts.id), new AbortController().signal);
  await store.save(certificate, lock).finally(() => lock.release());
}
