import { codeOf, messageOf, RigilError } from '../errors.ts';
import { throwIfAborted } from '../platform/abort.ts';
import { bounded } from '../platform/bounded.ts';
import type { Clock } from '../platform/clock.ts';
import type { NameServerPorts } from './name-servers.ts';
import { dnsName } from './names.ts';
import { Places } from './places.ts';
import type { ChallengeRecord, DnsProvider } from './provider.ts';

/** What one DNS host has to be able to do. Everything that they have in common is in {@link providerOf}. */
export interface RecordWriter {
  /**
   * Adds the value to the TXT records at `record.name`. Adding what is there already is a success.
   *
   * @throws RigilError `dns-provider-refused` when it is certain that nothing was changed, else `dns-provider-failed`
   */
  add(record: ChallengeRecord, signal: AbortSignal): Promise<void>;
  /** Removes that value and no other. Removing what is not there is a success. */
  remove(record: ChallengeRecord, signal: AbortSignal): Promise<void>;
  /** Whether `record.name` is to be where the CNAMEs of the challenge's name lead, as the writer writes into zones. */
  readonly followsCnames: boolean;
  /** Longest `remove` as a clean-up, in milliseconds. Default 60 000. */
  readonly cleanupLimitMs?: number;
}

const CLEANUP_LIMIT_MS = 60_000;
/** Longest undoing of an attempt that failed, which whoever gave it up still waits for, in milliseconds. */
const UNDO_LIMIT_MS = 15_000;

/** Codes after which nothing can be in the DNS. */
const UNTOUCHED: ReadonlySet<string> = new Set([
  'dns-provider-refused',
  'dns-option-invalid',
  'dns-delegation-missing',
  'dns-lookup-failed',
]);

/** Makes a provider of a writer: checks what it is given, follows CNAMEs, undoes what failed, keeps secrets in. */
export function providerOf(
  provider: string,
  writer: RecordWriter,
  ports: NameServerPorts & { readonly clock: Clock; readonly secrets: readonly string[] },
): DnsProvider {
  const remove = (record: ChallengeRecord, limitMs: number): Promise<void> =>
    bounded(
      {
        clock: ports.clock,
        timeoutMs: limitMs,
        signal: new AbortController().signal,
        onTimeout: () =>
          new RigilError(
            'dns-provider-failed',
            `${provider}: removing the TXT record took longer than ${limitMs / 1000} s`,
            { hint: `it may be left behind: ${record.name} TXT "${record.value}"` },
          ),
      },
      (signal) => writer.remove(record, signal),
    ).catch((error: unknown) => {
      throw withoutSecrets(error, provider, ports.secrets);
    });

  const places = new Places(ports);
  return {
    name: provider,
    async present(asked, signal) {
      throwIfAborted(signal);
      const checked = checkRecord(asked);
      const { place, leave } = writer.followsCnames
        ? await places.enter(checked.name, signal)
        : { place: checked.name, leave: () => {} };
      const record = { ...checked, name: place };
      try {
        await writer.add(record, signal);
        throwIfAborted(signal);
      } catch (error) {
        // A request that was cut off may have been carried out.
        if (!UNTOUCHED.has(codeOf(error))) await remove(record, UNDO_LIMIT_MS).catch(() => {});
        leave();
        throwIfAborted(signal);
        throw withoutSecrets(error, provider, ports.secrets);
      }
      return () => remove(record, writer.cleanupLimitMs ?? CLEANUP_LIMIT_MS).finally(leave);
    },
  };
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Names and values end up in arguments of programs, URLs and XML, so they are only let through as what they must be. */
function checkRecord(record: ChallengeRecord): ChallengeRecord {
  const [token = '', thumbprint = '', ...rest] = record.keyAuthorization.split('.');
  const sound =
    /^[A-Za-z0-9_-]{43}$/.test(record.value) &&
    BASE64URL.test(record.token) &&
    BASE64URL.test(token) &&
    BASE64URL.test(thumbprint) &&
    rest.length === 0;
  if (!sound) throw new RigilError('internal', `the challenge for ${record.domain} is not base64url`);
  return { ...record, name: dnsName(record.name), domain: dnsName(record.domain) };
}

/** Shorter ones would mask words that mean nothing. */
const SHORTEST_SECRET = 6;

function withoutSecrets(error: unknown, name: string, secrets: readonly string[]): RigilError {
  const mask = (text: string): string =>
    secrets
      .filter((secret) => secret.length >= SHORTEST_SECRET)
      .reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
  if (error instanceof RigilError) {
    const message = mask(error.message);
    const hint = error.hint === null ? undefined : mask(error.hint);
    if (message === error.message && hint === (error.hint ?? undefined)) return error;
    return new RigilError(error.code, message, { hint });
  }
  return new RigilError('internal', `${name}: ${mask(messageOf(error))}`);
}
