import { createHash } from 'node:crypto';
import { RigilError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { retryRead, retryRefused } from './patience.ts';
import type { AccountRequest, Credentials, OpenProtocol, Protocol } from './protocol.ts';
import type { AcmeReply } from './transport.ts';
import { httpsUrl } from './untrusted.ts';

/**
 * The protocol as acme-client 5.4.0 speaks it, over our own connection.
 *
 * The package signs, binds accounts and repeats requests with a bad nonce. Its HTTP (no time limit, no abort,
 * process-wide settings, 90 s of silent retries, errors without their type) is not used: four methods of its client
 * are replaced, and a test holds the members that this relies on.
 */
export function acmeClientProtocol(connection: Connection): OpenProtocol {
  return async (credentials, signal) =>
    new AcmeClientProtocol(
      await openClient(connection, credentials, signal),
      connection,
      credentials,
      signal,
    );
}

class AcmeClientProtocol implements Protocol {
  readonly thumbprint: string;
  readonly #client: AcmeClientInternals;
  readonly #connection: Connection;
  readonly #credentials: Credentials;
  readonly #signal: AbortSignal;

  constructor(
    client: AcmeClientInternals,
    connection: Connection,
    credentials: Credentials,
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.#connection = connection;
    this.#credentials = credentials;
    this.#signal = signal;
    // Its JWK has its members in the order of RFC 7638 already.
    const jwk = JSON.stringify(client.http.getJwk());
    this.thumbprint = createHash('sha256').update(jwk).digest('base64url');
  }

  directory() {
    return this.#connection.directory(this.#signal);
  }

  async readAccount({ onlyExisting, contact }: AccountRequest) {
    // Safe to repeat: the CA finds the account by its key (RFC 8555 7.3).
    const reply = await this.#retryRead(() =>
      this.#client.api.apiResourceRequest('newAccount', accountBody(onlyExisting, contact), [], {
        includeJwsKid: false,
        includeExternalAccountBinding: !onlyExisting,
      }),
    );
    const url = httpsUrl(reply.headers['location']);
    if (url === null)
      throw new RigilError('issuer-answer-invalid', 'the CA did not say where the account is');
    return { url, created: reply.status === 201 };
  }

  async changeContact(contact: readonly string[]) {
    await this.#retryRead(() => this.#client.api.apiRequest(this.#accountUrl(), { contact }, []));
  }

  async changeKey(newKey: string) {
    const url = offered((await this.directory()).keyChange, 'a change of the account key');
    const next = await openClient(this.#connection, { key: newKey, url: null, eab: null }, this.#signal);
    const oldKey = this.#client.http.getJwk();
    const proof = next.http.createSignedBody(url, { account: this.#accountUrl(), oldKey });
    await this.post(url, proof);
  }

  newOrder(order: object) {
    return this.#retryRefused(() => this.#client.api.apiResourceRequest('newOrder', order, [], {}));
  }

  read(url: string) {
    return this.#retryRead(() => this.#client.api.apiRequest(url, null, []));
  }

  post(url: string, payload: object) {
    return this.#retryRefused(() => this.#client.api.apiRequest(url, payload, []));
  }

  async revoke(certificate: string, reason: number, signWith: 'account' | 'certificate-key') {
    offered((await this.directory()).revokeCert, 'revocation');
    const options = { includeJwsKid: signWith === 'account' };
    await this.#retryRead(() =>
      this.#client.api.apiResourceRequest('revokeCert', { certificate, reason }, [], options),
    );
  }

  #accountUrl(): string {
    if (this.#credentials.url !== null) return this.#credentials.url;
    throw new RigilError('internal', 'the URL of the account is not known yet');
  }

  #retryRead(attempt: () => Promise<AcmeReply>) {
    return retryRead(this.#connection.patience(this.#signal), attempt);
  }

  #retryRefused(attempt: () => Promise<AcmeReply>) {
    return retryRefused(this.#connection.patience(this.#signal), attempt);
  }
}

/** A client of acme-client that sends through `connection` until `signal` aborts, and throws refusals as what they are. */
async function openClient(
  connection: Connection,
  { key, url, eab }: Credentials,
  signal: AbortSignal,
): Promise<AcmeClientInternals> {
  // Loaded with the first ACME work, because loading costs 0.3 s that other commands need not pay.
  const { Client } = await import('acme-client');
  const client = internalsOf(
    new Client({
      directoryUrl: connection.directoryUrl,
      accountKey: key,
      ...(url === null ? {} : { accountUrl: url }),
      ...(eab === null ? {} : { externalAccountBinding: { kid: eab.keyId, hmacKey: eab.hmac } }),
    }),
  );
  const { http } = client;
  http.maxBadNonceRetries = MOST_BAD_NONCES;
  http.request = (to, _method, { data }) =>
    connection.send({ method: 'POST', url: to, body: JSON.stringify(data) }, signal);
  http.getNonce = () => connection.nonce(signal);
  http.getDirectory = async () => ({ ...(await connection.directory(signal)) });
  const signedRequest = http.signedRequest.bind(http);
  http.signedRequest = async (...args) => connection.refuse(await signedRequest(...args));
  return client;
}

/**
 * How often a request is sent again because the CA did not know its nonce. Servers that do not share their nonces
 * refuse most of them; the pace of the connection bounds what this costs.
 */
const MOST_BAD_NONCES = 100;

function accountBody(onlyExisting: boolean, contact: readonly string[]): object {
  if (onlyExisting) return { onlyReturnExisting: true };
  return { termsOfServiceAgreed: true, ...(contact.length === 0 ? {} : { contact }) };
}

function offered(url: string | null, what: string): string {
  if (url !== null) return url;
  throw new RigilError('issuer-refused', `the CA does not offer ${what}`);
}

/** What we use of a client of acme-client: `http` and `api` are public fields that its type declarations leave out. */
export interface AcmeClientInternals {
  readonly http: {
    maxBadNonceRetries: number;
    request(url: string, method: string, options: { data?: unknown }): Promise<AcmeReply>;
    getNonce(): Promise<string>;
    getDirectory(): Promise<Record<string, unknown>>;
    getJwk(): object;
    signedRequest(...args: readonly unknown[]): Promise<AcmeReply>;
    createSignedBody(url: string, payload: object): object;
  };
  readonly api: {
    /** A signed request; without status codes to expect, the reply is handed back whatever its status. */
    apiRequest(url: string, payload: object | null, expected: readonly []): Promise<AcmeReply>;
    apiResourceRequest(
      resource: string,
      payload: object,
      expected: readonly [],
      options: { includeJwsKid?: boolean; includeExternalAccountBinding?: boolean },
    ): Promise<AcmeReply>;
  };
}

/** @throws RigilError `internal` when the installed acme-client is another one than this was written for */
export function internalsOf(client: unknown): AcmeClientInternals {
  if (hasMembers(client)) return client;
  throw new RigilError('internal', 'the installed acme-client lacks members that rigil relies on', {
    hint: 'install acme-client 5.4.0',
  });
}

function hasMembers(client: unknown): client is AcmeClientInternals {
  const { http, api } = Object(client);
  return (
    ['request', 'getNonce', 'getDirectory', 'getJwk', 'signedRequest', 'createSignedBody'].every(
      (name) => typeof http?.[name] === 'function',
    ) && ['apiRequest', 'apiResourceRequest'].every((name) => typeof api?.[name] === 'function')
  );
}
