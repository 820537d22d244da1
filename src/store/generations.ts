import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Certificate, CertificateFacts } from '../certs/certificate.ts';
import { RigilError, systemCodeOf } from '../errors.ts';
import { makeDirectory, syncDirectory, UNFINISHED, writeNewFile } from './atomic-write.ts';
import type { FileLock } from './file-lock.ts';
import { type FileSystem, isAbsence, unreadable, unwritable } from './file-system.ts';
import { digestOf, metaToJson } from './meta-json.ts';
import type { Generation } from './store.ts';
import { certificateIn, metaIn } from './stored-files.ts';

/** How many generations of a certificate are kept: the current one, and those before it. */
const KEPT = 3;

/** What is wrong with something that was read. */
export interface Damage {
  readonly path: string;
  readonly problem: string;
}

/** What there is of one certificate. */
export interface Found<Value> {
  /** Null = nothing whole. */
  readonly value: Value | null;
  readonly damaged: readonly Damage[];
}

/**
 * The generations of one certificate: a directory for each, with chain, key and facts, and the symbolic link
 * `current` to the one in force. A generation is written under another name and renamed when it is whole, so its
 * number is taken by one writer only, and what a crash left behind is never taken for one.
 */
export class Generations {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** The facts of the generation in force; of the newest readable one when that is damaged. Reads no key. */
  async facts(): Promise<Found<CertificateFacts>> {
    try {
      // One look at one file in nearly all cases: there may be ten thousand of them.
      return { value: await this.#readFacts('current'), damaged: [] };
    } catch {
      return this.#newestWhole((generation) => this.#readFacts(generation));
    }
  }

  /** The generation in force with its key; the newest whole one when that is damaged. */
  certificate(): Promise<Found<Certificate>> {
    return this.#newestWhole((generation) => this.#readCertificate(generation));
  }

  /** The newest whole generation before the one in force, with its key; null when there is none. */
  async former(): Promise<Certificate | null> {
    try {
      const current = Number(await this.#current());
      for (const generation of (await this.#numbers()).filter((each) => Number(each) < current)) {
        const value = await this.#attempt(generation, (each) => this.#readCertificate(each), []);
        if (value !== null) return value;
      }
      return null;
    } catch (error) {
      if (isAbsence(error)) return null;
      throw unreadable(this.#directory, error);
    }
  }

  /** All readable generations, newest first. */
  async history(): Promise<readonly Generation[]> {
    try {
      const [current, numbers] = await Promise.all([this.#current(), this.#numbers()]);
      const found = await Promise.all(
        numbers.map(async (generation) => {
          const facts = await this.#attempt(generation, (each) => this.#readFacts(each), []);
          return facts === null ? [] : [{ generation, inForce: generation === current, facts }];
        }),
      );
      return found.flat();
    } catch (error) {
      if (isAbsence(error)) return [];
      throw unreadable(this.#directory, error);
    }
  }

  /** Path of the private key in force. */
  get keyPath(): string {
    return join(this.#directory, 'current', 'privkey.pem');
  }

  /**
   * Adds a generation and puts it in force. When this resolves, all of it is on the disk.
   *
   * @throws RigilError `lock-lost`, `store-unwritable`; the generation that was in force still is
   */
  async add(certificate: Certificate, lock: FileLock): Promise<void> {
    const unfinished = join(this.#directory, UNFINISHED + randomUUID());
    try {
      await makeDirectory(this.#fs, this.#directory);
      const number = Math.max(0, ...(await this.#numbers()).map(Number)) + 1;
      const generation = String(number).padStart(6, '0');
      await this.#write(certificate, unfinished);
      await lock.verify();
      await this.#finish(unfinished, generation);
      await lock.verify();
      await this.#putInForce(generation);
    } catch (error) {
      await this.#fs.rm(unfinished, { recursive: true, force: true }).catch(() => {});
      throw unwritable(this.#directory, error);
    }
    await this.#cleanUp().catch(() => {});
  }

  async #write({ facts, chain, key }: Certificate, directory: string): Promise<void> {
    await this.#fs.mkdir(directory, { mode: 0o700 });
    await writeNewFile(this.#fs, join(directory, 'fullchain.pem'), chain);
    await writeNewFile(this.#fs, join(directory, 'privkey.pem'), key);
    const meta = metaToJson({ facts, digest: digestOf(chain, key) });
    await writeNewFile(this.#fs, join(directory, 'meta.json'), meta);
    await syncDirectory(this.#fs, directory);
  }

  /** Gives a whole generation its number. Fails when another process has taken that number: it has the lock now. */
  async #finish(unfinished: string, generation: string): Promise<void> {
    try {
      await this.#fs.rename(unfinished, join(this.#directory, generation));
    } catch (error) {
      const code = systemCodeOf(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
      throw new RigilError('lock-lost', `another process stored generation ${generation} meanwhile`, {
        cause: error,
      });
    }
    await syncDirectory(this.#fs, this.#directory);
  }

  /**
   * Switches `current`. A process that was asleep between its last look at the lock and the switch puts an old
   * generation in force for a moment; so whoever switches looks once more, and then the newest one wins.
   */
  async #putInForce(generation: string): Promise<void> {
    const link = join(this.#directory, UNFINISHED + randomUUID());
    await this.#fs.symlink(generation, link);
    await this.#fs.rename(link, join(this.#directory, 'current'));
    await syncDirectory(this.#fs, this.#directory);
    const newest = (await this.#numbers())[0];
    if (newest !== undefined && Number(newest) > Number(generation)) await this.#putInForce(newest);
  }

  /** Removes what is too old, and what others did not finish: they do not have the lock. */
  async #cleanUp(): Promise<void> {
    const current = await this.#fs.readlink(join(this.#directory, 'current'));
    const old = (await this.#numbers()).slice(KEPT).filter((generation) => generation !== current);
    const names = await this.#fs.readdir(this.#directory);
    for (const name of [...old, ...names.filter((each) => each.startsWith(UNFINISHED))]) {
      await this.#fs.rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  /** Names of the generations, newest first. */
  async #numbers(): Promise<string[]> {
    const names = await this.#fs.readdir(this.#directory);
    return names
      .filter((name) => /^\d{6,15}$/.test(name))
      .sort((left, right) => Number(right) - Number(left));
  }

  /** What `read` makes of the generation in force or, when that is damaged, of the newest one that is not. */
  async #newestWhole<Value>(read: (generation: string) => Promise<Value>): Promise<Found<Value>> {
    try {
      const damaged: Damage[] = [];
      const current = await this.#current();
      if (current !== null) {
        const value = await this.#attempt(current, read, damaged);
        if (value !== null) return { value, damaged };
        // A generation that is gone while its number is still being read was replaced: look again.
        if ((await this.#current()) !== current) return this.#newestWhole(read);
      }
      const others = (await this.#numbers()).filter((generation) => generation !== current);
      if (current === null && others.length > 0) {
        damaged.push({ path: join(this.#directory, 'current'), problem: 'it is missing' });
      }
      for (const generation of others) {
        const value = await this.#attempt(generation, read, damaged);
        if (value !== null) return { value, damaged };
      }
      return { value: null, damaged };
    } catch (error) {
      if (isAbsence(error)) return { value: null, damaged: [] };
      throw unreadable(this.#directory, error);
    }
  }

  /** Name of the generation in force; null when nothing is. */
  async #current(): Promise<string | null> {
    try {
      return await this.#fs.readlink(join(this.#directory, 'current'));
    } catch (error) {
      if (isAbsence(error)) return null;
      // Somebody copied the store and followed the links: then it is a generation itself.
      if (systemCodeOf(error) === 'EINVAL') return 'current';
      throw error;
    }
  }

  /** Null, and a damage noted, when the generation is not whole. An error that may pass is thrown. */
  async #attempt<Value>(
    generation: string,
    read: (generation: string) => Promise<Value>,
    damaged: Damage[],
  ): Promise<Value | null> {
    try {
      return await read(generation);
    } catch (error) {
      const path = join(this.#directory, generation);
      if (isAbsence(error)) damaged.push({ path, problem: 'a file is missing' });
      else if (systemCodeOf(error) === 'EIO') damaged.push({ path, problem: 'the disk cannot read it' });
      else if (error instanceof RigilError) damaged.push({ path, problem: error.message });
      else throw error;
      return null;
    }
  }

  async #readFacts(generation: string): Promise<CertificateFacts> {
    return metaIn(this.#directory, await this.#readText(generation, 'meta.json')).facts;
  }

  async #readCertificate(generation: string): Promise<Certificate> {
    const [meta, chain, key] = await Promise.all([
      this.#readText(generation, 'meta.json'),
      this.#readText(generation, 'fullchain.pem'),
      this.#readText(generation, 'privkey.pem'),
    ]);
    return certificateIn(this.#directory, { meta, chain, key });
  }

  #readText(generation: string, file: string): Promise<string> {
    return this.#fs.readFile(join(this.#directory, generation, file), 'utf8');
  }
}
