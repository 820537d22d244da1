/**
 * The keys of one store. All of them have the same hash tag, `{prefix}`, so that a cluster keeps them on one node and a
 * script may touch several of them at once.
 *
 * | key | what |
 * |---|---|
 * | `index` | hash: place → facts of the certificate in force |
 * | `issuers` | set: names of issuers that have certificates |
 * | `cert:PLACE` | hash: `meta` and `pem` in force, `N:meta` and `N:pem` of the two before, `fence`, `generation` |
 * | `journal` | hash: id → what is remembered |
 * | `doc:KIND` | hash: path → document |
 * | `lock:KEY` | token of who has the lock; expires |
 * | `fence` | counter of locks that were taken |
 * | `epoch` | hash: `writes` and `losses`, by which everybody notices that writes were lost |
 * | `nodes`, `alive` | hash and sorted set: the daemons, and when each was last heard of |
 * | `seal` | something known, sealed: by which a wrong key is noticed |
 * | `changes` | channel: what was changed, and by whom |
 */
export class Keys {
  readonly #base: string;

  constructor(prefix: string) {
    // A prefix that has a hash tag of its own keeps it.
    this.#base = /\{[^}]+\}/.test(prefix) ? `${prefix}:` : `{${prefix}}:`;
  }

  get index(): string {
    return `${this.#base}index`;
  }
  get issuers(): string {
    return `${this.#base}issuers`;
  }
  get journal(): string {
    return `${this.#base}journal`;
  }
  get fence(): string {
    return `${this.#base}fence`;
  }
  get epoch(): string {
    return `${this.#base}epoch`;
  }
  get nodes(): string {
    return `${this.#base}nodes`;
  }
  get alive(): string {
    return `${this.#base}alive`;
  }
  get seal(): string {
    return `${this.#base}seal`;
  }
  get changes(): string {
    return `${this.#base}changes`;
  }

  /** @param place see `placeOf` */
  certificate(place: string): string {
    return `${this.#base}cert:${place}`;
  }

  documents(kind: string): string {
    return `${this.#base}doc:${kind}`;
  }

  lock(key: string): string {
    return `${this.#base}lock:${key}`;
  }
}
