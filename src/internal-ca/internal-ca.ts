import type { CertificateStore, DocumentPath, DocumentStore, Issued, Issuer, Order } from '../certs/ports.ts';
import { RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { KeyType } from '../x509/private-key.ts';
import { type Authority, makeRoot, type RootFiles, readRoot } from './authority.ts';
import { makeLeaf } from './leaf.ts';

/** In the last year of a root people are warned, in milliseconds. */
const WARN_BEFORE_MS = 365 * 86_400_000;

export interface InternalCaOptions {
  readonly name: string;
  readonly keyType: KeyType;
  readonly documents: DocumentStore;
  readonly locks: Pick<CertificateStore, 'lock'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
}

/**
 * The local CA: an issuer whose root lies in the store. The root is made on first use, once for all processes that
 * share the store, and never replaced by itself: everybody who trusts it would have to trust the new one.
 */
export class InternalCa implements Issuer {
  readonly name: string;
  readonly #options: InternalCaOptions;
  #known: (RootFiles & { readonly authority: Authority }) | null = null;

  constructor(options: InternalCaOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Where the certificate of the root is, or will be: what clients have to trust. */
  get rootLocation(): string {
    return this.#options.documents.locateDocument(this.#path('root.pem'));
  }

  /**
   * @throws RigilError `authority-damaged`, `authority-expired`, `aborted`, or that of the store
   */
  async issue({ names }: Order, signal: AbortSignal): Promise<Issued> {
    const { keyType, clock, random } = this.#options;
    const authority = await this.#authority(signal);
    signal.throwIfAborted();
    return makeLeaf(authority, { names, keyType, now: clock.now(), random });
  }

  async #authority(signal: AbortSignal): Promise<Authority> {
    const files = (await this.#read()) ?? (await this.#make(signal));
    // The files are read every time: somebody may have put another root in their place. Parsing them is what costs.
    if (files.certificate !== this.#known?.certificate || files.key !== this.#known.key) {
      this.#known = { ...files, authority: await this.#parse(files) };
      this.#warnOfEnd(this.#known.authority);
    }
    const { authority } = this.#known;
    if (authority.notAfter > this.#options.clock.now()) return authority;
    throw new RigilError('authority-expired', `the root of the local CA ${this.name} has expired`, {
      hint: this.#wayToNewRoot,
    });
  }

  /** The root, or null when there is none: a key alone is what a crash leaves before there ever was one. */
  async #read(): Promise<RootFiles | null> {
    const { documents } = this.#options;
    const certificate = await documents.readDocument(this.#path('root.pem'));
    if (certificate === null) return null;
    const key = await documents.readDocument(this.#path('root.key'));
    if (key === null) {
      throw new RigilError(
        'authority-damaged',
        `the key of the root of the local CA ${this.name} is missing`,
        {
          hint: this.#wayToMend,
        },
      );
    }
    return { certificate: certificate.toString(), key: key.toString() };
  }

  async #make(signal: AbortSignal): Promise<RootFiles> {
    const { documents, locks, clock, random, emit } = this.#options;
    const lock = await locks.lock(`authority-${this.name}`, signal);
    try {
      const made = await this.#read();
      if (made !== null) return made;
      const files = await makeRoot(clock.now(), random);
      if (lock.lost.aborted)
        throw new RigilError('lock-lost', 'another process makes the root of the local CA');
      // The certificate last: with it the root exists.
      await documents.writeDocument(this.#path('root.key'), files.key);
      await documents.writeDocument(this.#path('root.pem'), files.certificate);
      const { notAfter } = await readRoot(files);
      emit({
        event: 'authority.created',
        issuer: this.name,
        file: this.rootLocation,
        notAfter: new Date(notAfter).toISOString(),
        hint: howToTrust(this.rootLocation),
      });
      return files;
    } finally {
      await lock.release();
    }
  }

  async #parse(files: RootFiles): Promise<Authority> {
    try {
      return await readRoot(files);
    } catch (cause) {
      if (!(cause instanceof RigilError)) throw cause;
      throw new RigilError(cause.code, cause.message, { hint: this.#wayToMend, cause });
    }
  }

  #warnOfEnd({ notAfter }: Authority): void {
    const { clock, emit } = this.#options;
    if (notAfter - clock.now() > WARN_BEFORE_MS) return;
    emit({
      event: 'authority.expiring',
      issuer: this.name,
      file: this.rootLocation,
      notAfter: new Date(notAfter).toISOString(),
      hint: this.#wayToNewRoot,
    });
  }

  get #wayToMend(): string {
    return `restore ${this.rootLocation} and root.key beside it from a backup, or ${this.#wayToNewRoot}`;
  }

  get #wayToNewRoot(): string {
    const folder = this.#options.documents.locateDocument(['authorities', this.name]);
    return `move ${folder} away: a new root is made then, which all clients must be told to trust`;
  }

  #path(file: 'root.pem' | 'root.key'): DocumentPath {
    return ['authorities', this.name, file];
  }
}

/** What a person does with a new root. */
function howToTrust(file: string): string {
  return `to trust it: curl --cacert ${file}; on Debian: cp ${file} /usr/local/share/ca-certificates/rigil.crt && update-ca-certificates; browsers: import it as an authority`;
}
