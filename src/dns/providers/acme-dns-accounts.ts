import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { messageOf, RigilError, systemCodeOf } from '../../errors.ts';
import { textMember } from '../api.ts';

/** What an acme-dns server hands out at registration: the right to set the TXT values of one name. */
export interface AcmeDnsAccount {
  readonly username: string;
  readonly password: string;
  /** First label of `fulldomain`. */
  readonly subdomain: string;
  /** Where `_acme-challenge` has to point to; null when it is not known. */
  readonly fulldomain: string | null;
}

/**
 * The accounts file that lego (`ACME_DNS_STORAGE_PATH`), acme-dns-client and certbot's acme-dns hook share: a JSON
 * object with one account a domain. What else is in it is kept.
 */
export class AcmeDnsAccounts {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws RigilError `dns-provider-refused` when the file cannot be read or understood */
  async find(domain: string): Promise<AcmeDnsAccount | null> {
    return accountOf((await this.#read())[domain]);
  }

  /**
   * Adds one account. Written to a new file that then takes the old one's place, readable only by its owner.
   *
   * @throws RigilError `dns-provider-refused`
   */
  async save(domain: string, account: unknown): Promise<void> {
    const all = { ...(await this.#read()), [domain]: account };
    const temporary = `${this.#file}.${randomUUID()}`;
    try {
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(all, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file);
    } catch (error) {
      throw new RigilError(
        'dns-provider-refused',
        `acme-dns: ${this.#file} cannot be written: ${messageOf(error)}`,
        {
          hint: 'make its folder writable for the user that runs rigil',
        },
      );
    }
  }

  async #read(): Promise<Readonly<Record<string, unknown>>> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return {};
      throw this.#unusable(messageOf(error));
    }
    try {
      const value: unknown = JSON.parse(text === '' ? '{}' : text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    } catch {}
    throw this.#unusable('it is not a JSON object');
  }

  #unusable(why: string): RigilError {
    return new RigilError('dns-provider-refused', `acme-dns: ${this.#file} cannot be used: ${why}`, {
      hint: 'it maps each domain to {"username", "password", "subdomain", "fulldomain"}',
    });
  }
}

/** The account in a registration or in the file, or null when something is missing. */
export function accountOf(value: unknown): AcmeDnsAccount | null {
  const username = textMember(value, 'username');
  const password = textMember(value, 'password');
  const subdomain = textMember(value, 'subdomain');
  if (username === null || password === null || subdomain === null) return null;
  return { username, password, subdomain, fulldomain: textMember(value, 'fulldomain') };
}
