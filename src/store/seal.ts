import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RigilError, systemCodeOf } from '../errors.ts';

/** Where the keys of a seal are. */
export type SealSource =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

const KEY_BYTES = 32;
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Begins every sealed value. No text begins so. */
export const MAGIC = Buffer.from([0xff, 0x52, 0x53, 0x01]);
const HEAD_BYTES = MAGIC.length + ID_BYTES + NONCE_BYTES;

interface SealKey {
  readonly id: Buffer;
  readonly key: Buffer;
}

/**
 * Seals values with AES-256-GCM, so that whoever reads the database, its dumps or its replicas learns nothing.
 *
 * A sealed value is: 4 bytes magic and version, 8 bytes id of the key, 12 bytes random nonce, ciphertext, 16 bytes tag.
 * Where it is stored is authenticated with it, so that no value can be put in the place of another one. The first key
 * seals; all of them open, so that keys can be replaced while everything runs. Without keys values stay as they are.
 */
export class Seal {
  readonly #keys: readonly SealKey[];

  /** @param secrets 32 bytes each, the newest first; none = nothing is sealed */
  constructor(secrets: readonly Uint8Array[]) {
    this.#keys = secrets.map((secret) => ({
      key: Buffer.from(hkdfSync('sha256', secret, '', 'rigil store seal v1', KEY_BYTES)),
      id: Buffer.from(hkdfSync('sha256', secret, '', 'rigil store seal id v1', ID_BYTES)),
    }));
  }

  /** Whether values are sealed. */
  get isOn(): boolean {
    return this.#keys.length > 0;
  }

  /** @param place where the value is stored */
  close(place: string, value: Uint8Array): Buffer {
    const [first] = this.#keys;
    if (first === undefined) return Buffer.from(value);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', first.key, nonce);
    cipher.setAAD(Buffer.from(place));
    return Buffer.concat([MAGIC, first.id, nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  }

  /**
   * A value that was never sealed is given as it is.
   *
   * @throws RigilError `store-sealed` when no key fits, `store-damaged` when it was changed or belongs elsewhere
   */
  open(place: string, stored: Buffer): Buffer {
    if (!isSealed(stored)) return stored;
    const id = stored.subarray(MAGIC.length, MAGIC.length + ID_BYTES);
    const key = this.#keys.find((each) => each.id.equals(id))?.key;
    if (key === undefined) {
      throw new RigilError('store-sealed', `${oneLine(place)} is sealed with the key ${id.toString('hex')}`, {
        hint: this.isOn
          ? 'add that key to those that `seal=` names'
          : 'say where the key is with `seal=env:NAME` or `seal=file:PATH` in the `store` directive',
      });
    }
    const nonce = stored.subarray(MAGIC.length + ID_BYTES, HEAD_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(place));
    try {
      decipher.setAuthTag(stored.subarray(stored.length - TAG_BYTES));
      return Buffer.concat([
        decipher.update(stored.subarray(HEAD_BYTES, stored.length - TAG_BYTES)),
        decipher.final(),
      ]);
    } catch (cause) {
      throw new RigilError('store-damaged', `${oneLine(place)} was changed since it was sealed`, { cause });
    }
  }

  /** Whether a stored value is as {@link close} would seal it now: with the first key, or not at all without keys. */
  isCurrent(stored: Buffer): boolean {
    const [first] = this.#keys;
    if (first === undefined) return !isSealed(stored);
    return isSealed(stored) && first.id.equals(stored.subarray(MAGIC.length, MAGIC.length + ID_BYTES));
  }
}

/** Whether a value begins as sealed ones do. */
export function isSealed(stored: Buffer): boolean {
  return stored.length >= HEAD_BYTES + TAG_BYTES && MAGIC.equals(stored.subarray(0, MAGIC.length));
}

/**
 * The seal whose keys `source` names; null = nothing is sealed. Read at once: it happens before anything else does.
 *
 * @throws RigilError `config-invalid` when there are no keys, or what is there is none
 */
export function readSeal(source: SealSource | null, env: Readonly<Record<string, string | undefined>>): Seal {
  if (source === null) return new Seal([]);
  const where = source.kind === 'env' ? `the variable ${source.name}` : source.path;
  const text = source.kind === 'env' ? (env[source.name] ?? '') : readKeys(source.path);
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) throw unusable(`${where} holds no key to seal the store with`);
  return new Seal(
    words.map((word, index) => {
      const secret = readSecret(word);
      if (secret === null) throw unusable(`key ${index + 1} in ${where} is not 32 bytes in base64 or hex`);
      return secret;
    }),
  );
}

function readKeys(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RigilError('config-invalid', `${path} cannot be read (${systemCodeOf(cause)})`, {
      hint: 'it holds the keys that seal the store: see `seal=` of the `store` directive',
      cause,
    });
  }
}

function readSecret(word: string): Buffer | null {
  if (/^[0-9a-f]{64}$/i.test(word)) return Buffer.from(word, 'hex');
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(word) ? Buffer.from(word, 'base64') : null;
  return bytes?.length === KEY_BYTES ? bytes : null;
}

function unusable(message: string): RigilError {
  return new RigilError('config-invalid', message, { hint: 'make one with `openssl rand -base64 32`' });
}

function oneLine(place: string): string {
  return place.replaceAll('\n', '/');
}
