/** What one dns-01 challenge asks to be seen in the DNS (RFC 8555 8.4). */
export interface ChallengeRecord {
  /** Where the CA looks, in lower case and without a final dot: `_acme-challenge.example.com`. */
  readonly name: string;
  /** The TXT value: base64url of the SHA-256 of the key authorization, 43 characters. */
  readonly value: string;
  /** The name to be proved, without `*.`: `example.com`. */
  readonly domain: string;
  /** The challenge's token; programs in RAW mode compute name and value from it and the key authorization. */
  readonly token: string;
  readonly keyAuthorization: string;
}

/**
 * Something that can put a TXT value into the DNS.
 *
 * `example.com` and `*.example.com` are proved at one name with two values, so a provider adds and removes one value
 * at a time and never touches the others. Safe for concurrent use.
 */
export interface DnsProvider {
  /** Its name in the configuration: `cloudflare`. */
  readonly name: string;
  /**
   * Adds the value and resolves once the DNS host has taken it, which is before every server answers with it.
   * When it throws, nothing of it is left in the DNS, as far as that could still be seen to.
   *
   * @returns what removes this one value
   * @throws RigilError `dns-provider-failed`, `dns-provider-refused`, `dns-delegation-missing`, `dns-lookup-failed`, `aborted`
   */
  present(record: ChallengeRecord, signal: AbortSignal): Promise<Cleanup>;
}

/**
 * Removes what `present` added. Works also after the signal of `present` has aborted, and ends by itself: after a
 * minute at most, with programs after ten.
 *
 * @throws RigilError `dns-provider-failed` or `dns-provider-refused`: the record was left behind
 */
export type Cleanup = () => Promise<void>;

/** Waits until the CA can be asked to look. */
export interface PropagationCheck {
  /**
   * Resolves when every authoritative server answers with the value.
   *
   * @throws RigilError `dns-not-propagated`, `dns-lookup-failed`, `aborted`
   */
  wait(record: Pick<ChallengeRecord, 'name' | 'value'>, signal: AbortSignal): Promise<void>;
}
