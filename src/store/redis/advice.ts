import type { RedisConnection } from './connection.ts';

/** What a person should change about a Redis that keeps certificates. */
export interface Advice {
  readonly message: string;
  readonly hint: string;
}

/** What is known of a Redis from what it says about itself. */
export interface Checked {
  readonly advice: readonly Advice[];
  /** How many replicas follow it; 0 where that is not known. */
  readonly replicas: number;
}

/**
 * Looks whether Redis forgets: evicts what it is short of memory for, or keeps nothing on a disk. What a user may not ask,
 * as in many hosted services, is not known and not complained about.
 *
 * @throws RigilError that of the store
 */
export async function checkServer(connection: RedisConnection): Promise<Checked> {
  const info = await connection.use((client) => client.info());
  const field = (name: string): string | null =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  const policy = field('maxmemory_policy');
  const limit = Number(field('maxmemory') ?? 0);
  const saves = await connection
    .use((client) => client.config('GET', 'save'))
    .then((answer) => (Array.isArray(answer) ? String(answer[1] ?? '') : null))
    .catch(() => null);
  const advice: Advice[] = [];
  if (policy !== null && policy !== 'noeviction' && limit > 0) {
    advice.push({
      message: `${connection.place} may throw certificates and keys away when it is short of memory (maxmemory-policy ${policy})`,
      hint: '`maxmemory-policy noeviction` in redis.conf',
    });
  }
  if (field('aof_enabled') === '0' && saves === '') {
    advice.push({
      message: `${connection.place} keeps nothing on a disk: a restart of it loses everything`,
      hint: '`appendonly yes` in redis.conf',
    });
  }
  return { advice, replicas: Number(field('connected_slaves') ?? 0) };
}
