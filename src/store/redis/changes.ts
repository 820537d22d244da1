import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';

/** What was changed: a certificate, by its place, or a document of a kind, by the names behind the kind. */
export interface Change {
  readonly kind: string;
  readonly names: readonly string[];
}

/** The kind of changes of certificates; all others are kinds of documents. */
export const CERTIFICATE = 'certificate';

interface Listener {
  readonly onChange: (change: Change) => void;
  /** Anything may have been missed. */
  readonly onGap: () => void;
}

/** What processes that share a store tell each other when they write: it is published in the very script that writes. */
export class Changes {
  readonly channel: string;
  readonly #node: string;
  readonly #connection: RedisConnection;
  readonly #listeners = new Set<Listener>();
  #stop: (() => void) | null = null;

  /** @param node who this is: its own changes are no news */
  constructor(node: string, connection: RedisConnection, keys: Keys) {
    this.#node = node;
    this.#connection = connection;
    this.channel = keys.changes;
  }

  /** The message that a script publishes. */
  message(kind: string, names: readonly string[]): string {
    return JSON.stringify([this.#node, kind, ...names]);
  }

  /** Listens until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#stop ??= this.#connection.listen(
      this.channel,
      (message) => this.#hear(message),
      () => {
        for (const { onGap } of this.#listeners) onGap();
      },
    );
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = null;
    };
  }

  /** Ends all listening. */
  close(): void {
    this.#listeners.clear();
    this.#stop?.();
    this.#stop = null;
  }

  #hear(message: string): void {
    const change = parse(message, this.#node);
    if (change !== null) for (const { onChange } of this.#listeners) onChange(change);
  }
}

function parse(message: string, self: string): Change | null {
  try {
    const parts: unknown = JSON.parse(message);
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return null;
    const [node, kind, ...names] = parts as string[];
    return node === self || kind === undefined ? null : { kind, names };
  } catch {
    return null;
  }
}
