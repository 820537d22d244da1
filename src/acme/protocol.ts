import type { Directory } from './directory.ts';
import type { AcmeReply } from './transport.ts';

/** Who signs: an account key, its URL at the CA once it is known, and what binds a new account to a customer of the CA. */
export interface Credentials {
  /** PEM, PKCS#8. */
  readonly key: string;
  readonly url: string | null;
  /** External account binding (RFC 8555 7.3.4): key id and base64url HMAC key, or null. */
  readonly eab: { readonly keyId: string; readonly hmac: string } | null;
}

/**
 * RFC 8555 spoken with one key until one signal aborts. Every reply has a status below 400; a refusal is thrown as an
 * AcmeProblem. `read…` and `revoke` are tried again when there was no answer; `newOrder` and `post` never, because nobody
 * knows then whether the CA acted: the caller reads again.
 */
export interface Protocol {
  /** SHA-256 of the account's public key (RFC 7638), base64url: the second half of every key authorization. */
  readonly thumbprint: string;
  directory(): Promise<Directory>;
  /** The account of the key: made if there is none, unless `onlyExisting`. `created` tells which. */
  readAccount(request: AccountRequest): Promise<{ readonly url: string; readonly created: boolean }>;
  changeContact(contact: readonly string[]): Promise<void>;
  /** Replaces the account's key by `newKey` (PEM). The protocol object keeps to the old key. */
  changeKey(newKey: string): Promise<void>;
  newOrder(order: object): Promise<AcmeReply>;
  /** POST-as-GET. */
  read(url: string): Promise<AcmeReply>;
  /** A signed request that changes something: a challenge, a finalization, a deactivation. */
  post(url: string, payload: object): Promise<AcmeReply>;
  /** Revokes a certificate (base64url of its DER). `certificate-key`: the credentials' key is the certificate's (RFC 8555 7.6). */
  revoke(certificate: string, reason: number, signWith: 'account' | 'certificate-key'): Promise<void>;
}

export interface AccountRequest {
  readonly onlyExisting: boolean;
  /** `mailto:` URLs. */
  readonly contact: readonly string[];
}

/** Begins to speak for `credentials`; everything ends when `signal` aborts. */
export type OpenProtocol = (credentials: Credentials, signal: AbortSignal) => Promise<Protocol>;
