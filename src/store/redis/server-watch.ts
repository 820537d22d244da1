import type { Emit } from '../../events/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Advice, checkServer } from './advice.ts';
import { countUnsealed, SEAL, type SealParts } from './seal-check.ts';

/** How often Redis is asked about itself, besides after each connect, in milliseconds. */
const CHECK_MS = 3_600_000;
/** How long a save waits for a replica, in milliseconds. */
const REPLICA_MS = 100;

interface Parts extends SealParts {
  /** In a cluster replicas are not asked about, and not waited for. */
  readonly isCluster: boolean;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Called after each look, as long as Redis answers. */
  readonly onLook: () => Promise<void>;
  /** Somebody has begun to seal, or has sealed everything anew. */
  readonly onSeal: () => void;
}

/** What is worth knowing of the server itself: how it is set up, what lies in clear, whether it has replicas. */
export class ServerWatch {
  readonly #parts: Parts;
  readonly #told = new Set<string>();
  #advice: readonly Advice[] = [];
  #replicas = 0;
  #unsealed: number | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What a person should change, in words. */
  get warnings(): readonly string[] {
    return this.#advice.map(({ message }) => message);
  }

  /** How many secrets lie in clear although there is a key; null where there is none, or it is not known yet. */
  get unsealed(): number | null {
    return this.#unsealed;
  }

  /** Looks from now on, until the returned function is called. */
  follow(): () => void {
    const { connection, changes, clock, onSeal } = this.#parts;
    const look = (): void => void this.#look().catch(() => {});
    const stops = [
      connection.onUp(look),
      clock.every(CHECK_MS, look),
      changes.listen({
        onChange: ({ kind }) => {
          if (kind !== SEAL) return;
          onSeal();
          this.#unsealed = null;
          look();
        },
        onGap: () => {},
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** A certificate that only the master has is lost with it: a moment's patience is cheap. Never rejects. */
  async waitForReplica(): Promise<void> {
    if (this.#replicas === 0) return;
    const { connection } = this.#parts;
    await connection.use((client) => client.call('WAIT', '1', String(REPLICA_MS))).catch(() => {});
  }

  async #look(): Promise<void> {
    const { connection, seal, isCluster, emit, onLook } = this.#parts;
    const { advice, replicas } = await checkServer(connection);
    this.#replicas = isCluster ? 0 : replicas;
    // Once all is sealed nothing in clear is added: everybody seals, or is refused.
    if (seal.isOn && this.#unsealed !== 0) this.#unsealed = await countUnsealed(this.#parts);
    this.#advice = [...advice, ...this.#sealAdvice()];
    for (const { message, hint } of this.#advice) {
      // The message may have a number in it.
      if (this.#told.has(hint)) continue;
      this.#told.add(hint);
      emit({ event: 'store.warning', message, hint });
    }
    await onLook();
  }

  #sealAdvice(): readonly Advice[] {
    if (this.#unsealed === null || this.#unsealed === 0) return [];
    const { place } = this.#parts.connection;
    const message = `${this.#unsealed} secrets in ${place} are not sealed, although there is a key: run \`rigil store reseal\``;
    return [{ message, hint: '`rigil store reseal` seals them; then BGREWRITEAOF in redis-cli' }];
  }
}
