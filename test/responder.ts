import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { peer } from './peers.ts';

/** Runs openssl; rejects with what it wrote when it fails. */
export async function openssl(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(peer('openssl'), [...args], { cwd });
  return stdout;
}

export type KeyKind = 'p256' | 'rsa' | 'ed25519';

const NEW_KEY: Readonly<Record<KeyKind, readonly string[]>> = {
  p256: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  rsa: ['-newkey', 'rsa:2048'],
  ed25519: ['-newkey', 'ed25519'],
};

/** A certificate of a throw-away CA, as files for openssl and as text for rigil. */
export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM of the certificate alone. */
  readonly pem: string;
  readonly key: string;
  readonly serial: string;
}

export interface LeafOptions {
  readonly name?: string;
  readonly key?: KeyKind;
  /** Lines of an extension section of openssl. */
  readonly extensions?: readonly string[];
  readonly days?: number;
  /** Hex; the next free one by default. */
  readonly serial?: string;
}

/** How openssl is to answer: what is not given is the usual. */
export interface AnswerOptions {
  /** Who signs; the CA itself by default. */
  readonly signer?: TestCertificate;
  /** Further options of `openssl ocsp`, such as `-ndays 1` or `-resp_key_id`. */
  readonly flags?: readonly string[];
}

export const OCSP_SIGNING = [
  'extendedKeyUsage=OCSPSigning',
  'noCheck=ignored',
  'keyUsage=critical,digitalSignature',
];

/** A CA made by openssl in a folder of its own, with the database that `openssl ocsp` answers from. */
export class TestAuthority {
  readonly dir: string;
  readonly ca: TestCertificate;
  #index: string[] = [];
  #count = 0;

  private constructor(dir: string, ca: TestCertificate) {
    this.dir = dir;
    this.ca = ca;
  }

  static async create(options: { name?: string; key?: KeyKind } = {}): Promise<TestAuthority> {
    const dir = await mkdtemp(join(tmpdir(), 'rigil-ca-'));
    const name = options.name ?? 'Test CA';
    await openssl(
      [
        'req',
        '-x509',
        ...NEW_KEY[options.key ?? 'p256'],
        '-nodes',
        '-subj',
        `/O=Tests/CN=${name}`,
        '-days',
        '3650',
      ]
        .concat(['-keyout', 'ca.key', '-out', 'ca.pem'])
        .concat(['-addext', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature']),
      dir,
    );
    return new TestAuthority(dir, await certificateIn(dir, 'ca'));
  }

  /** Issues a certificate and enters it in the database as good. */
  async issue(options: LeafOptions = {}): Promise<TestCertificate> {
    this.#count += 1;
    const base = `leaf${this.#count}`;
    const serial = options.serial ?? (0xa0 + this.#count).toString(16).toUpperCase();
    const extensions = ['authorityKeyIdentifier=keyid', ...(options.extensions ?? [])];
    await writeFile(join(this.dir, `${base}.ext`), extensions.join('\n'));
    await openssl(
      [
        'req',
        ...NEW_KEY[options.key ?? 'p256'],
        '-nodes',
        '-subj',
        `/CN=${options.name ?? 'leaf.test'}`,
      ].concat(['-keyout', `${base}.key`, '-out', `${base}.csr`]),
      this.dir,
    );
    await openssl(
      [
        'x509',
        '-req',
        '-in',
        `${base}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-set_serial',
        `0x${serial}`,
      ].concat(['-days', String(options.days ?? 90), '-extfile', `${base}.ext`, '-out', `${base}.pem`]),
      this.dir,
    );
    if (options.serial !== undefined)
      this.#index = this.#index.filter((line) => line.split('\t')[3] !== serial);
    this.#index.push(`V\t491231235959Z\t\t${serial}\tunknown\t/CN=${serial}`);
    await this.#writeIndex();
    return certificateIn(this.dir, base);
  }

  async revoke(certificate: TestCertificate, reason = 'keyCompromise'): Promise<void> {
    const at = this.#lineOf(certificate);
    this.#index[at] = (this.#index[at] ?? '').replace(/^V\t(\w+)\t\t/, `R\t$1\t251101000000Z,${reason}\t`);
    await this.#writeIndex();
  }

  /** Makes the responder say that it does not know the certificate. */
  async forget(certificate: TestCertificate): Promise<void> {
    this.#index.splice(this.#lineOf(certificate), 1);
    await this.#writeIndex();
  }

  /** What `openssl ocsp` answers to the DER of a request. */
  async answer(request: Uint8Array, options: AnswerOptions = {}): Promise<Buffer> {
    this.#count += 1;
    const base = `answer${this.#count}`;
    const signer = options.signer ?? this.ca;
    const flags = options.flags ?? ['-ndays', '7'];
    await writeFile(join(this.dir, `${base}.req`), request);
    await openssl(
      [
        'ocsp',
        '-index',
        'index.txt',
        '-CA',
        'ca.pem',
        '-rsigner',
        signer.certFile,
        '-rkey',
        signer.keyFile,
      ].concat(['-reqin', `${base}.req`, '-respout', `${base}.resp`, '-noverify', ...flags]),
      this.dir,
    );
    return readFile(join(this.dir, `${base}.resp`));
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }

  #lineOf({ serial }: TestCertificate): number {
    return this.#index.findIndex((line) => line.split('\t')[3] === serial);
  }

  async #writeIndex(): Promise<void> {
    await writeFile(join(this.dir, 'index.txt'), this.#index.map((line) => `${line}\n`).join(''));
  }
}

async function certificateIn(dir: string, base: string): Promise<TestCertificate> {
  const [certFile, keyFile] = [join(dir, `${base}.pem`), join(dir, `${base}.key`)];
  const serial =
    (await openssl(['x509', '-noout', '-serial', '-in', certFile], dir)).trim().split('=')[1] ?? '';
  return {
    certFile,
    keyFile,
    pem: await readFile(certFile, 'utf8'),
    key: await readFile(keyFile, 'utf8'),
    serial,
  };
}

/** An HTTP server on a free port of 127.0.0.1, and what it was asked. */
export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly requests: { readonly method: string; readonly url: string; readonly body: Buffer }[];
}

export async function serve(
  handle: (request: { method: string; url: string; body: Buffer }, response: ServerResponse) => unknown,
): Promise<TestServer> {
  const requests: { method: string; url: string; body: Buffer }[] = [];
  const listener: RequestListener = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request = { method: incoming.method ?? '', url: incoming.url ?? '', body: Buffer.concat(chunks) };
    requests.push(request);
    await handle(request, response);
  };
  const server = createServer((incoming, response) => void listener(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A responder as CAs run it: `authority` answers what comes by POST or GET. */
export function startResponder(authority: TestAuthority, options: AnswerOptions = {}): Promise<TestServer> {
  return serve(async ({ method, url, body }, response) => {
    const request =
      method === 'POST'
        ? body
        : Buffer.from(decodeURIComponent(url.slice(url.lastIndexOf('/') + 1)), 'base64');
    sendOcsp(response, await authority.answer(request, options));
  });
}

export function sendOcsp(response: ServerResponse, der: Uint8Array): void {
  response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(der);
}
