import { hostname } from 'node:os';
import type { Clock } from '../../platform/clock.ts';
import type { Epoch } from '../local-copy.ts';
import { parseObject } from '../meta-json.ts';
import type { DaemonIdentity } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { LIVING, SHOW_LIFE } from './scripts.ts';

/** How often a daemon shows that it lives, and how long it counts as living after that, in milliseconds. */
const HEARTBEAT_MS = 5_000;
const LIFE_MS = 17_000;

/** The daemons of a store: each shows again and again that it lives. */
export class Nodes {
  readonly #node: string;
  readonly #connection: RedisConnection;
  readonly #keys: Keys;
  readonly #clock: Clock;

  constructor(node: string, connection: RedisConnection, keys: Keys, clock: Clock) {
    this.#node = node;
    this.#connection = connection;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** The daemons that live now. @throws RigilError that of the store */
  async living(): Promise<readonly DaemonIdentity[]> {
    const found = await this.#connection.run(LIVING, [this.#keys.alive, this.#keys.nodes], [LIFE_MS]);
    return Array.isArray(found) ? found.flatMap((text) => readIdentity(String(text)) ?? []) : [];
  }

  /**
   * Counts this process among the daemons until the returned function is called. Never fails: while the store is away
   * it goes on trying.
   *
   * @param onEpoch told what the store has counted, with every sign of life
   */
  join(onEpoch: (epoch: Epoch) => void): () => Promise<void> {
    const identity = JSON.stringify({ node: this.#node, pid: process.pid, host: hostname() });
    let beating = false;
    const beat = async (): Promise<void> => {
      if (beating) return;
      beating = true;
      try {
        const { epoch, alive, nodes } = this.#keys;
        const counted = await this.#connection.run(
          SHOW_LIFE,
          [epoch, alive, nodes],
          [this.#node, identity, LIFE_MS],
        );
        const [writes, losses] = Array.isArray(counted) ? counted.map(Number) : [];
        if (writes !== undefined && losses !== undefined) onEpoch({ writes, losses });
      } catch {
        // The connection has said so; the next sign of life is soon.
      } finally {
        beating = false;
      }
    };
    const stops = [
      this.#clock.every(HEARTBEAT_MS, () => void beat()),
      this.#connection.onUp(() => void beat()),
    ];
    void beat();
    return async () => {
      for (const stop of stops) stop();
      const { alive, nodes } = this.#keys;
      await this.#connection
        .use(async (client) => {
          await client.zrem(alive, this.#node);
          await client.hdel(nodes, this.#node);
        })
        .catch(() => {});
    };
  }
}

function readIdentity(text: string): DaemonIdentity | null {
  const { node, pid, host } = parseObject(text) ?? {};
  if (typeof node !== 'string' || typeof pid !== 'number' || typeof host !== 'string') return null;
  return { node, pid, host };
}
