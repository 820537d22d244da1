import type { Instant } from '../platform/clock.ts';

/** CAs forget nonces after a while; an older one would only cost a refused request. */
const LIFETIME_MS = 5 * 60_000;
const CAPACITY = 50;

/**
 * Anti-replay nonces that answers of the CA brought along (RFC 8555 6.5), so that few requests are spent on getting
 * one. Each is used once, the newest first; old ones are dropped.
 */
export class NoncePool {
  readonly #nonces: { readonly value: string; readonly at: Instant }[] = [];

  /** Keeps a nonce; what is not base64url is ignored, as RFC 8555 6.5.1 demands. */
  put(value: string | undefined, now: Instant): void {
    if (value === undefined || !/^[A-Za-z0-9_-]{1,512}$/.test(value)) return;
    this.#nonces.push({ value, at: now });
    if (this.#nonces.length > CAPACITY) this.#nonces.shift();
  }

  /** The newest nonce, or null when there is none that is still fresh. */
  take(now: Instant): string | null {
    const newest = this.#nonces.pop();
    if (newest === undefined) return null;
    if (now - newest.at <= LIFETIME_MS) return newest.value;
    this.#nonces.length = 0;
    return null;
  }
}
