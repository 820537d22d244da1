import { promises as dns } from 'node:dns';
import { RigilError, systemCodeOf } from '../errors.ts';
import { throwIfAborted } from '../platform/abort.ts';
import { withoutDot } from './names.ts';

/** What is at a name: where its CNAME points to, something else (or names below it), or nothing. */
export type CnameAnswer = { readonly target: string } | 'no-cname' | 'no-name';

/**
 * Asks DNS servers. A name or a record that does not exist is an answer (null, or an empty list), not an error.
 *
 * Every method throws RigilError `dns-lookup-failed` when no server gives a usable answer, and `aborted`.
 */
export interface Resolver {
  /** Who is asked, for messages: `192.0.2.53:53`, or `the system's resolvers`. */
  readonly label: string;
  /** The TXT values; the strings that one value is split into are joined. */
  txt(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The CNAME at `name` itself; its target in lower case without a final dot. */
  cname(name: string, signal: AbortSignal): Promise<CnameAnswer>;
  /** The zone's primary server (MNAME) when `name` is the apex of a zone. */
  soa(name: string, signal: AbortSignal): Promise<string | null>;
  ns(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /** IPv4 addresses, then IPv6 ones. */
  addresses(name: string, signal: AbortSignal): Promise<readonly string[]>;
}

/**
 * @param servers `ip`, `ip:port` or `[ip]:port`; empty = the system's resolvers. The next one is asked when one fails
 * @param options.timeoutMs longest wait for one packet. Default 2000
 * @param options.tries how often each server is asked. Default 2
 */
export function createResolver(
  servers: readonly string[],
  options: { readonly timeoutMs?: number; readonly tries?: number } = {},
): Resolver {
  const { timeoutMs = 2000, tries = 2 } = options;
  const label = servers.length === 0 ? "the system's resolvers" : servers.join(', ');

  async function ask<T>(
    name: string,
    type: string,
    signal: AbortSignal,
    question: (resolver: dns.Resolver) => Promise<T>,
  ): Promise<{ readonly found: T } | 'no-record' | 'no-name'> {
    throwIfAborted(signal);
    // A resolver of its own for each question: cancel() ends all that one has asked.
    const resolver = new dns.Resolver({ timeout: timeoutMs, maxTimeout: timeoutMs, tries });
    if (servers.length > 0) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return { found: await question(resolver) };
    } catch (error) {
      throwIfAborted(signal);
      switch (systemCodeOf(error)) {
        case 'ENOTFOUND':
          return 'no-name';
        case 'ENODATA':
          return 'no-record';
        default:
          throw new RigilError(
            'dns-lookup-failed',
            `${type} ${name}: ${label} ${describeLookupError(error)}`,
            {
              cause: error,
              hint:
                servers.length === 0
                  ? 'see whether /etc/resolv.conf names a working server, or name some: resolvers ADDR…'
                  : 'see whether these servers can be reached from here and answer for any name',
            },
          );
      }
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async function all<T>(...question: Parameters<typeof ask<readonly T[]>>): Promise<readonly T[]> {
    const answer = await ask<readonly T[]>(...question);
    return typeof answer === 'string' ? [] : answer.found;
  }

  return {
    label,
    async txt(name, signal) {
      const values = await all(name, 'TXT', signal, (resolver) => resolver.resolveTxt(name));
      return values.map((parts) => parts.join(''));
    },
    async cname(name, signal) {
      const answer = await ask(name, 'CNAME', signal, (resolver) => resolver.resolveCname(name));
      if (answer === 'no-name') return answer;
      const target = answer === 'no-record' ? undefined : answer.found[0];
      return target === undefined ? 'no-cname' : { target: hostName(target) };
    },
    async soa(name, signal) {
      const answer = await ask(name, 'SOA', signal, (resolver) => resolver.resolveSoa(name));
      return typeof answer === 'string' ? null : hostName(answer.found.nsname);
    },
    async ns(name, signal) {
      return (await all(name, 'NS', signal, (resolver) => resolver.resolveNs(name))).map(hostName);
    },
    async addresses(name, signal) {
      const [v4, v6] = await Promise.all([
        all(name, 'A', signal, (resolver) => resolver.resolve4(name)),
        all(name, 'AAAA', signal, (resolver) => resolver.resolve6(name)),
      ]);
      return [...v4, ...v6];
    },
  };
}

function hostName(name: string): string {
  return withoutDot(name).toLowerCase();
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ESERVFAIL: 'answers SERVFAIL',
  EREFUSED: 'answers REFUSED',
  ENOTIMP: 'answers NOTIMP',
  EFORMERR: 'answers FORMERR',
  EBADRESP: 'answers with something that is not DNS',
  ECONNREFUSED: 'refuses the connection',
  ETIMEOUT: 'does not answer',
};

/** What a server did, for people, from what a question to it threw: `answers SERVFAIL`. */
export function describeLookupError(error: unknown): string {
  const code = dnsCodeOf(error);
  return PROBLEMS[code ?? ''] ?? `fails (${code ?? 'no reason given'})`;
}

/** Whether the server said nothing at all, as against something useless. */
export function isSilence(error: unknown): boolean {
  const code = dnsCodeOf(error);
  return code === 'ETIMEOUT' || code === 'ECONNREFUSED';
}

function dnsCodeOf(error: unknown): string | null {
  return systemCodeOf(error instanceof RigilError ? error.cause : error);
}
