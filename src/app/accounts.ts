import { accountDocuments } from '../acme/account-documents.ts';
import { AcmeIssuer } from '../acme/issuer.ts';
import { thumbprintOf } from '../acme/thumbprint.ts';
import type { Config, IssuerConfig } from '../config/config.ts';
import { RigilError } from '../errors.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';

/** An account at an ACME CA, without its key. */
export interface AccountView {
  /** The issuer section that it belongs to. */
  readonly issuer: string;
  readonly directory: string;
  readonly email: string | null;
  /** Key id of its external account binding, or null. */
  readonly eabKeyId: string | null;
  /** Its URL at the CA, as CAA records and dns-persist-01 name it; null = the first order makes it. */
  readonly url: string | null;
  /** Of its public key (RFC 7638), or null. */
  readonly thumbprint: string | null;
  /** ISO 8601, or null. */
  readonly createdAt: string | null;
}

/** `account show --json`. */
export interface AccountList {
  readonly accounts: readonly AccountView[];
}

/**
 * The accounts of all ACME issuers, or of one. Asks nobody, and needs no secret but that of `eab`.
 *
 * @throws RigilError `issuer-unknown`, or that of the store
 */
export function showAccounts(options: OfflineOptions, issuer: string | undefined): Promise<AccountList> {
  // An account is known by them.
  const needed = ['email', 'eab'];
  return offline(options, { purpose: 'look', needed }, async (parts) => {
    const sections = issuer === undefined ? acmeSections(parts.config) : [sectionOf(issuer, parts.config)];
    return { accounts: await Promise.all(sections.map((section) => viewOf(section, parts))) };
  });
}

/** `account rollover --json`. */
export interface AccountRollover {
  readonly account: AccountView;
  readonly formerThumbprint: string;
}

/**
 * Gives an account a new key (RFC 8555 7.3.5). A daemon goes on with it by itself.
 *
 * @throws RigilError `issuer-unknown`, `name-unknown` when there is no account yet, or that of the issuer or the store
 */
export function rollOverAccount(
  options: OfflineOptions,
  issuer: string | undefined,
): Promise<AccountRollover> {
  return atIssuer(options, issuer, async (acme, before, parts) => {
    await acme.changeAccountKey(parts.signal);
    const account = await viewOf(sectionOf(before.issuer, parts.config), parts);
    return { account, formerThumbprint: before.thumbprint ?? '' };
  });
}

/** `account deactivate --json`: the account that is no more. */
export interface AccountDeactivation {
  readonly deactivated: AccountView;
}

/**
 * Ends an account at its CA for good (RFC 8555 7.3.6).
 *
 * @throws RigilError as {@link rollOverAccount}
 */
export function deactivateAccount(
  options: OfflineOptions,
  issuer: string | undefined,
): Promise<AccountDeactivation> {
  return atIssuer(options, issuer, async (acme, deactivated, { signal }) => {
    await acme.deactivateAccount(signal);
    return { deactivated };
  });
}

function atIssuer<Result>(
  options: OfflineOptions,
  name: string | undefined,
  work: (acme: AcmeIssuer, account: AccountView, parts: Offline) => Promise<Result>,
): Promise<Result> {
  return offline(options, { purpose: 'work' }, async (parts) => {
    const section = sectionOf(name, parts.config);
    const account = await viewOf(section, parts);
    const acme = parts.issuers.get(section.name);
    if (account.url === null || !(acme instanceof AcmeIssuer)) {
      throw new RigilError('name-unknown', `there is no account for ${section.name} yet`, {
        hint: 'the first order makes it: `rigil certs obtain`',
      });
    }
    return work(acme, account, parts);
  });
}

/** The section of this name, or the only ACME one. */
function sectionOf(name: string | undefined, config: Config): IssuerConfig & { readonly directory: string } {
  const sections = acmeSections(config);
  const names = sections.map((each) => each.name).join(', ');
  const hint = names === '' ? undefined : `the ACME issuers of this configuration: ${names}`;
  const [first, ...others] = sections;
  if (name === undefined && first !== undefined && others.length === 0) return first;
  if (name === undefined && first !== undefined) {
    throw new RigilError('usage', 'there are several ACME issuers: say whose account you mean', { hint });
  }
  const found = sections.find((each) => each.name === name);
  if (found !== undefined) return found;
  const known = config.issuers.some((each) => each.name === name);
  const problem = known
    ? `${name} is no ACME issuer, so it has no account`
    : `there is no issuer ${name ?? ''}`;
  throw new RigilError('issuer-unknown', problem.trim(), { hint });
}

function acmeSections({ issuers }: Config): (IssuerConfig & { readonly directory: string })[] {
  return issuers.flatMap((each) =>
    each.type === 'acme' && each.directory !== null ? [{ ...each, directory: each.directory }] : [],
  );
}

async function viewOf(
  { name, directory, email, eab }: IssuerConfig & { readonly directory: string },
  { store }: Offline,
): Promise<AccountView> {
  const accounts = await accountDocuments(store.documents, store).list(directory);
  const eabKeyId = eab?.keyId ?? null;
  const found = accounts.find((each) => each.email === email && each.eabKeyId === eabKeyId);
  return {
    issuer: name,
    directory,
    email,
    eabKeyId,
    url: found?.url ?? null,
    thumbprint: found === undefined ? null : thumbprintOf(found.key),
    createdAt: found === undefined ? null : new Date(found.createdAt).toISOString(),
  };
}
