import { randomUUID } from 'node:crypto';
import type { Event } from '../../../src/events/event.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { RedisStore } from '../../../src/store/redis/redis-store.ts';
import { Seal } from '../../../src/store/seal.ts';

export interface OpenOptions {
  readonly port: number;
  readonly prefix?: string;
  readonly seal?: Seal;
  readonly copyDirectory?: string | null;
  readonly events?: Event[];
}

/** A store as one process sees it. */
export function openRedisStore(options: OpenOptions): RedisStore {
  const { port, prefix = 'rigil', seal = new Seal([]), copyDirectory = null, events = [] } = options;
  return new RedisStore({
    server: {
      mode: 'single',
      tls: false,
      hosts: [{ host: '127.0.0.1', port }],
      user: null,
      password: null,
      database: 0,
      master: null,
      sentinelPassword: null,
      roots: null,
    },
    prefix,
    seal,
    copyDirectory,
    clock: systemClock,
    emit: (event) => void events.push(event),
  });
}

/** A prefix that no other test has. */
export function ownPrefix(): string {
  return `test-${randomUUID()}`;
}
