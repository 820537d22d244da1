import { X509Certificate } from 'node:crypto';
import { isAbsolute } from 'node:path';
import type { Certificate } from '../certs/certificate.ts';
import type { CertificateStore, DocumentPath, DocumentStore, Issued, Issuer, Order } from '../certs/ports.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { readLeaf } from '../x509/leaf.ts';
import type { KeyType } from '../x509/private-key.ts';
import { type Authority, makeRoot, type RootFiles, readRoot } from './authority.ts';
import { IssuedCertificates } from './issued.ts';
import { makeLeaf } from './leaf.ts';
import { readOcspRequest } from './ocsp-request.ts';
import { OcspSigner, refuse } from './ocsp-response.ts';
import type { AnswerSource } from './responder.ts';

/** In the last year of a root people are warned, in milliseconds. */
const WARN_BEFORE_MS = 365 * 86_400_000;

export interface InternalCaOptions {
  readonly name: string;
  readonly keyType: KeyType;
  /** Where its responder is, `http://host:port/`, as new certificates say. Default null: it has none. */
  readonly responderUrl?: string | null;
  readonly documents: DocumentStore;
  readonly locks: Pick<CertificateStore, 'lock'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
}

/** A root as it was read last. */
interface Known extends RootFiles {
  readonly authority: Authority;
  readonly signer: OcspSigner;
}

/**
 * The local CA: an issuer whose root lies in the store. The root is made on first use, once for all processes that
 * share the store, and never replaced by itself: everybody who trusts it would have to trust the new one.
 */
export class InternalCa implements Issuer, AnswerSource {
  readonly name: string;
  readonly #options: InternalCaOptions;
  readonly #issued: IssuedCertificates;
  #known: Known | null = null;
  #reported: string | null = null;

  constructor(options: InternalCaOptions) {
    this.name = options.name;
    this.#options = options;
    this.#issued = new IssuedCertificates(options.documents, options.name);
  }

  /** Where the certificate of the root is, or will be: what clients have to trust. */
  get rootLocation(): string {
    return this.#options.documents.locateDocument(this.#path('root.pem'));
  }

  /**
   * @throws RigilError `authority-damaged`, `authority-expired`, `aborted`, or that of the store
   */
  async issue({ names }: Order, signal: AbortSignal): Promise<Issued> {
    const { keyType, responderUrl = null, clock, random } = this.#options;
    const authority = await this.#authority(signal);
    signal.throwIfAborted();
    const issued = await makeLeaf(authority, { names, keyType, responderUrl, now: clock.now(), random });
    if (responderUrl === null) return issued;
    const { serial, notAfter } = readLeaf(issued.chain);
    await this.#issued.write(serial, { names, notAfter, revoked: null });
    // Clients made with OpenSSL, curl among them, look for the signer of a staple in the chain that came with it.
    return { ...issued, chain: `${issued.chain}${authority.certificate.toString('pem')}\n` };
  }

  /**
   * Marks a certificate as revoked, which its responder says from then on.
   *
   * @throws RigilError `revocation-refused` when there is no responder to say so, or another root issued it; that of the
   *   store
   */
  async revoke({ facts, chain }: Certificate, reason: number, signal: AbortSignal): Promise<void> {
    const { responderUrl = null, clock } = this.#options;
    const { id, names, serial, notAfter } = facts;
    if (responderUrl === null) {
      throw new RigilError(
        'revocation-refused',
        `the local CA ${this.name} has no responder to revoke with`,
        {
          hint: `its certificates end within days by themselves; \`rigil certs renew --force ${id}\` puts another one in its place now, and \`ocsp ADDR\` in its section gives it a responder`,
        },
      );
    }
    const files = await this.#read();
    signal.throwIfAborted();
    if (files === null || !new X509Certificate(chain).checkIssued(new X509Certificate(files.certificate))) {
      throw new RigilError(
        'revocation-refused',
        `${id} was not issued by the root that ${this.name} has now`,
        {
          hint: `\`rigil certs renew --force ${id}\` puts another one in its place`,
        },
      );
    }
    const known = await this.#issued.find(serial);
    // What was revoked stays so, since then and for that reason.
    if (known !== null && known.revoked !== null) return;
    await this.#issued.write(serial, { names, notAfter, revoked: { at: clock.now(), reason } });
  }

  /**
   * The DER of the response to an OCSP request (RFC 6960): good for what was issued, revoked for what {@link revoke}
   * marked, unknown for the rest. Never rejects.
   */
  async answer(request: Uint8Array): Promise<Uint8Array> {
    const asked = readOcspRequest(request);
    if (asked === null) return refuse('malformedRequest');
    try {
      const signer = (await this.#current())?.signer;
      const isOurs = asked.certificates.map((each) => signer?.isIssuerOf(each) === true);
      if (signer === undefined || !isOurs.includes(true)) return refuse('unauthorized');
      const statuses = await Promise.all(
        asked.certificates.map(async ({ serial }, index) =>
          isOurs[index] === true ? this.#issued.statusOf(serial) : ({ kind: 'unknown' } as const),
        ),
      );
      const response = await signer.respond(asked, statuses, this.#options.clock.now());
      this.#reported = null;
      return response;
    } catch (error) {
      this.#report(error);
      return refuse('tryLater');
    }
  }

  async rootCertificate(): Promise<Uint8Array | null> {
    return (await this.#current())?.signer.root ?? null;
  }

  /** Forgets certificates that have expired. @throws RigilError that of the store */
  forgetExpired(): Promise<void> {
    return this.#issued.forgetExpired(this.#options.clock.now());
  }

  async #authority(signal: AbortSignal): Promise<Authority> {
    const { authority } = (await this.#current()) ?? (await this.#parsed(await this.#make(signal)));
    if (authority.notAfter > this.#options.clock.now()) return authority;
    throw new RigilError('authority-expired', `the root of the local CA ${this.name} has expired`, {
      hint: this.#wayToNewRoot,
    });
  }

  /** The root that there is, ready to sign; null = there is none yet. */
  async #current(): Promise<Known | null> {
    const files = await this.#read();
    return files === null ? null : this.#parsed(files);
  }

  /** The files are read every time: somebody may have put another root in their place. Parsing them is what costs. */
  async #parsed(files: RootFiles): Promise<Known> {
    const known = this.#known;
    if (files.certificate === known?.certificate && files.key === known.key) return known;
    const made = { ...files, authority: await this.#parse(files), signer: new OcspSigner(files) };
    this.#known = made;
    this.#warnOfEnd(made.authority);
    return made;
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
        hint: howToTrust(this.rootLocation, this.name),
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

  /** Once, and not for every request that somebody sends. */
  #report(error: unknown): void {
    const message = `the responder of ${this.name} cannot answer: ${messageOf(error)}`;
    if (message === this.#reported) return;
    this.#reported = message;
    const hint = error instanceof RigilError ? error.hint : null;
    this.#options.emit({ event: 'store.problem', code: codeOf(error), message, hint });
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

/** What a person does with a new root. One that is in a database, sealed perhaps, has to become a file first. */
function howToTrust(file: string, name: string): string {
  if (!isAbsolute(file)) {
    return `to trust it: rigil store copy '(what stands behind store)' DIR puts it into DIR/authorities/${name}/root.pem; give that to curl --cacert, to update-ca-certificates, or to a browser as an authority`;
  }
  return `to trust it: curl --cacert ${file}; on Debian: cp ${file} /usr/local/share/ca-certificates/rigil.crt && update-ca-certificates; browsers: import it as an authority`;
}
