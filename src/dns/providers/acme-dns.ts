import { RigilError } from '../../errors.ts';
import { throwIfAborted } from '../../platform/abort.ts';
import { callApi, jsonOf, textMember } from '../api.ts';
import { findAuthority } from '../authority.ts';
import { Mutex } from '../mutex.ts';
import { isHttpUrl, type OptionValues } from '../options.ts';
import type { ChallengeRecord } from '../provider.ts';
import type { RecordWriter } from '../writer.ts';
import { type AcmeDnsAccount, AcmeDnsAccounts, accountOf } from './acme-dns-accounts.ts';
import { Rotation } from './acme-dns-rotation.ts';
import type { ProviderEntry, ProviderPorts } from './entry.ts';
import { CA_OPTION, readCa } from './private-ca.ts';

/** A server of https://github.com/joohoi/acme-dns, which answers for names that `_acme-challenge` is a CNAME to. */
export const acmeDns: ProviderEntry = {
  name: 'acme-dns',
  aliases: ['acmedns'],
  documentation: 'Sets the value at an acme-dns server that _acme-challenge points to by a CNAME.',
  options: [
    {
      name: 'api',
      documentation: 'Address of the acme-dns server.',
      required: true,
      env: ['ACME_DNS_API_BASE'],
      check: isHttpUrl,
    },
    {
      name: 'accounts',
      documentation:
        'JSON file with an account for each domain, as of lego or acme-dns-client; a domain that is missing is registered and added.',
      env: ['ACME_DNS_STORAGE_PATH'],
    },
    { name: 'username', documentation: 'One account for all names, instead of a file.' },
    { name: 'password', documentation: 'Of that account.', secret: true },
    { name: 'subdomain', documentation: 'Of that account.' },
    CA_OPTION,
  ],
  check(options) {
    const parts = ['username', 'password', 'subdomain'].filter((name) => options.get(name) !== null);
    if (parts.length !== 0 && parts.length !== 3) return ['username, password and subdomain belong together'];
    return parts.length === 0 && options.get('accounts') === null
      ? ['either accounts=FILE or username, password and subdomain are needed']
      : [];
  },
  create: createWriter,
};

function createWriter(options: OptionValues, ports: ProviderPorts): RecordWriter {
  const base = options.text('api').replace(/\/+$/, '');
  const ca = readCa(options);
  const file = options.get('username') === null ? options.get('accounts') : null;
  const accounts = file === null ? null : new AcmeDnsAccounts(file);
  const registrations = new Mutex();
  const rotation = new Rotation(ports.clock);

  const post = (path: string, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal) =>
    callApi(
      ports,
      {
        who: 'acme-dns',
        method: 'POST',
        url: `${base}/${path}`,
        headers: { 'content-type': 'application/json', ...headers },
        body,
        // Sent twice, an update would push out both of the values that the server keeps.
        repeatable: false,
        refusedHint:
          'see whether the account is one of this server, and whether its allowfrom lets this address in',
        ...ca,
      },
      signal,
    );

  async function register(
    domain: string,
    store: AcmeDnsAccounts,
    signal: AbortSignal,
  ): Promise<AcmeDnsAccount> {
    const registration = jsonOf('acme-dns', await post('register', {}, '{}', signal));
    const account = accountOf(registration);
    if (account === null) {
      throw new RigilError(
        'dns-provider-failed',
        'acme-dns: the answer to a registration has no account in it',
      );
    }
    await store.save(domain, { ...(registration as object), server_url: base });
    return account;
  }

  async function accountFor(domain: string, signal: AbortSignal): Promise<AcmeDnsAccount> {
    if (accounts !== null) {
      // One at a time: apex and wildcard ask at once, and must not register twice.
      return registrations.run(
        'all',
        signal,
        async () => (await accounts.find(domain)) ?? (await register(domain, accounts, signal)),
      );
    }
    return {
      username: options.text('username'),
      password: options.text('password'),
      subdomain: options.text('subdomain'),
      fulldomain: null,
    };
  }

  return {
    followsCnames: false,
    async add(record, signal) {
      const account = await accountFor(record.domain, signal);
      await checkDelegation(record, account, ports, signal);
      await rotation.add(account.subdomain, record.value, signal, async () => {
        const response = await post(
          'update',
          { 'x-api-user': account.username, 'x-api-key': account.password },
          JSON.stringify({ subdomain: account.subdomain, txt: record.value }),
          signal,
        );
        if (textMember(jsonOf('acme-dns', response), 'txt') !== record.value) {
          throw new RigilError('dns-provider-failed', 'acme-dns: the server did not confirm the value');
        }
      });
    },
    /** The server has no way to remove a value: it goes when two others have come. */
    async remove(record) {
      rotation.release(record.value);
    },
  };
}

/** @throws RigilError `dns-delegation-missing` unless the CNAMEs of `_acme-challenge` lead to the account's name */
async function checkDelegation(
  record: ChallengeRecord,
  account: AcmeDnsAccount,
  ports: ProviderPorts,
  signal: AbortSignal,
): Promise<void> {
  const wanted = account.fulldomain?.toLowerCase().replace(/\.$/, '') ?? null;
  const targets: string[] = [];
  try {
    await findAuthority(record.name, ports, signal, (target) => targets.push(target));
  } catch (error) {
    // Where the chain has come to is what counts: the servers of the last zone need not answer to this machine.
    throwIfAborted(signal);
    if (targets.length === 0) throw error;
  }
  const isAccount = (target: string): boolean =>
    wanted === null ? target.split('.')[0] === account.subdomain.toLowerCase() : target === wanted;
  if (targets.some(isAccount)) return;
  const [first] = targets;
  throw new RigilError(
    'dns-delegation-missing',
    first === undefined
      ? `${record.name} is no CNAME, so the CA would never ask the acme-dns server`
      : `${record.name} is a CNAME to ${first}, which is not the name of its acme-dns account`,
    {
      hint: `create this record: ${record.name}. CNAME ${wanted ?? `${account.subdomain}.<domain of the acme-dns server>`}.`,
    },
  );
}
