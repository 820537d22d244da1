import { RigilError } from '../errors.ts';
import { entries, fields, httpsUrl, plainText } from './untrusted.ts';

/** The addresses and rules of a CA (RFC 8555 7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly revokeCert: string | null;
  readonly keyChange: string | null;
  /** RFC 9773 4.1; null = the CA gives no renewal information. */
  readonly renewalInfo: string | null;
  readonly termsOfService: string | null;
  readonly externalAccountRequired: boolean;
  /** Names of the profiles that can be asked for (draft-ietf-acme-profiles), or null when there are none. */
  readonly profiles: readonly string[] | null;
  /** For dns-persist-01 (draft-ietf-acme-dns-persist-02), or null. */
  readonly accountHashPrefix: string | null;
  /** Names under which the CA is known in dns-persist-01 records. */
  readonly issuerDomainNames: readonly string[];
}

/**
 * @param url where it came from, for the message
 * @throws RigilError `issuer-answer-invalid` when something that every ACME server has is missing
 */
export function readDirectory(value: unknown, url: string): Directory {
  const directory = fields(value);
  const meta = fields(directory['meta']);
  const needed = (name: string): string => {
    const address = httpsUrl(directory[name]);
    if (address !== null) return address;
    throw new RigilError('issuer-answer-invalid', `${url} is not an ACME directory: "${name}" is missing`, {
      hint: 'set `directory` in the issuer section to the directory URL that the CA documents',
    });
  };
  const profiles = Object.keys(fields(meta['profiles'])).slice(0, 100);
  const prefix = meta['accountHashPrefix'];
  return {
    newNonce: needed('newNonce'),
    newAccount: needed('newAccount'),
    newOrder: needed('newOrder'),
    revokeCert: httpsUrl(directory['revokeCert']),
    keyChange: httpsUrl(directory['keyChange']),
    renewalInfo: httpsUrl(directory['renewalInfo']),
    termsOfService: httpsUrl(meta['termsOfService']),
    externalAccountRequired: meta['externalAccountRequired'] === true,
    profiles: profiles.length === 0 ? null : profiles.map((name) => plainText(name, 64)),
    accountHashPrefix: typeof prefix === 'string' && /^[\x21-\x7e]{1,200}$/.test(prefix) ? prefix : null,
    issuerDomainNames: domainNames(meta['issuerDomainNames']),
  };
}

/** The entries of `value` that are domain names, in lower case, at most ten. */
export function domainNames(value: unknown): readonly string[] {
  return entries(value, 10).flatMap((name) =>
    typeof name === 'string' && /^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,9}$/.test(name)
      ? [name.toLowerCase()]
      : [],
  );
}
