import type { Instant } from '../platform/clock.ts';
import { jsonOrNull } from '../platform/json.ts';
import { type KeyType, readPrivateKey } from '../x509/private-key.ts';
import { entries, fields, httpsUrl } from './untrusted.ts';

/** What an order is for. */
export interface OrderDemand {
  /** URL of the account. */
  readonly account: string;
  readonly names: readonly string[];
  readonly profile: string | null;
  readonly mustStaple: boolean;
  readonly keyType: KeyType;
}

/** An order as it is noted, for whoever has to go on with it. Holds a private key. */
export interface OrderInFlight extends OrderDemand {
  /** Where it is at the CA; null = it was about to be placed. */
  readonly url: string | null;
  /** PEM, PKCS#8: that of the certificate. */
  readonly key: string;
  readonly begunAt: Instant;
  /** When the CA forgets it, or null where it did not say. */
  readonly expiresAt: Instant | null;
}

/** How long an order is gone on with whose CA does not say until when: what Let's Encrypt gives one. */
const LIFE_MS = 7 * 86_400_000;

/** The note as {@link readNote} takes it. */
export function writeNote(order: OrderInFlight): string {
  return JSON.stringify({ version: 1, ...order });
}

/** Null when it is none, also when its key is none: it may be damaged, or of another version. */
export function readNote(text: string): OrderInFlight | null {
  const note = fields(jsonOrNull(text));
  const { account, profile, mustStaple, keyType, key, begunAt, expiresAt } = note;
  const names = entries(note['names'], 1_000).filter((name) => typeof name === 'string');
  const isWhole =
    note['version'] === 1 &&
    typeof account === 'string' &&
    (profile === null || typeof profile === 'string') &&
    typeof mustStaple === 'boolean' &&
    isKeyType(keyType) &&
    typeof key === 'string' &&
    isPrivateKey(key) &&
    typeof begunAt === 'number' &&
    (expiresAt === null || typeof expiresAt === 'number');
  if (!isWhole) return null;
  const url = httpsUrl(note['url']);
  return { account, names, profile, mustStaple, keyType, key, url, begunAt, expiresAt };
}

/** Why a noted order is not gone on with, for people; null = it is what is wanted, as far as is known here. */
export function whyNot(noted: OrderInFlight, wanted: OrderDemand, now: Instant): string | null {
  if (noted.account !== wanted.account) return 'it belongs to another account';
  const names = new Set(noted.names);
  if (names.size !== new Set(wanted.names).size || !wanted.names.every((name) => names.has(name))) {
    return 'it is for other names';
  }
  const { profile, mustStaple, keyType } = wanted;
  if (noted.profile !== profile || noted.mustStaple !== mustStaple || noted.keyType !== keyType) {
    return 'the issuer section asks for another kind of certificate now';
  }
  if (now >= (noted.expiresAt ?? noted.begunAt + LIFE_MS)) return 'it has expired';
  if (noted.url === null) return 'the program ended before the CA had said where it is';
  return null;
}

function isKeyType(value: unknown): value is KeyType {
  return value === 'p256' || value === 'p384' || value === 'rsa2048' || value === 'rsa4096';
}

function isPrivateKey(pem: string): boolean {
  try {
    readPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
