import type { Authorization, Challenge } from '../resources.ts';

/** Something that can prove control of a name in one of the ways of ACME (RFC 8555 8). */
export interface Solver {
  /** Challenge type: `http-01`, `tls-alpn-01` … */
  readonly type: string;
  /** Its challenges may come without a token. Default: they may not. */
  readonly tokenless?: true;
  /** Two processes that answer one challenge put up one and the same thing: who takes it away takes it from both. */
  readonly sharesAnswers?: true;
  /** Whether this way can prove `name`, which may be a wildcard or an address. */
  fits(name: string): boolean;
  /**
   * Puts the answer where the CA looks for it, and resolves when the CA can be told to look.
   * When it rejects, nothing is left behind. Safe for concurrent use.
   *
   * @returns what takes the answer away again; it works after `signal` has aborted too
   */
  present(proof: Proof, signal: AbortSignal): Promise<CleanUp>;
}

export type CleanUp = () => Promise<void>;

/** What has to be proved, and with what. */
export interface Proof {
  /** As ordered: `*.example.com`, `example.com`, `192.0.2.1`. */
  readonly name: string;
  /** The name without `*.`. */
  readonly domain: string;
  /** RFC 8555 8.1; checked, so that it can stand in a path. Empty for types without a token. */
  readonly token: string;
  /** Token and thumbprint of the account's key (RFC 8555 8.1). */
  readonly keyAuthorization: string;
  readonly challenge: Challenge;
  readonly account: ProvingAccount;
}

/** Who proves it. */
export interface ProvingAccount {
  readonly url: string;
  /** SHA-256 of the public key (RFC 7638), base64url. */
  readonly thumbprint: string;
  /** From the CA's directory, for dns-persist-01. */
  readonly hashPrefix: string | null;
  readonly issuerDomainNames: readonly string[];
}

/** `*.example.com` → `example.com`. */
export function domainOf({ name }: Pick<Authorization, 'name'>): string {
  return name.startsWith('*.') ? name.slice(2) : name;
}
