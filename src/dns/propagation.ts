import { isIPv6 } from 'node:net';
import { messageOf, RigilError } from '../errors.ts';
import { throwIfAborted } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import { type Authority, findAuthority } from './authority.ts';
import type { NameServer, NameServerPorts } from './name-servers.ts';
import type { PropagationCheck } from './provider.ts';
import { describeLookupError, isSilence } from './resolver.ts';

export interface PropagationOptions {
  /** `check`: ask the authoritative servers until all have the value. `skip`: only wait `delayMs`. */
  readonly mode: 'check' | 'skip';
  /** Waited when the check is skipped, in milliseconds. */
  readonly delayMs: number;
  /** Longest wait for the value to be everywhere, in milliseconds. */
  readonly timeoutMs: number;
}

export interface PropagationPorts extends NameServerPorts {
  readonly clock: Clock;
}

/** First and longest pause between two rounds of questions, in milliseconds. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 5000;

/**
 * Asks every authoritative server of the zone directly, since a CA may ask any of them: a secondary that is late, or
 * a recursive resolver that remembers the absence of the record, would otherwise make the challenge fail.
 */
export function createPropagationCheck(
  options: PropagationOptions,
  ports: PropagationPorts,
): PropagationCheck {
  return {
    async wait({ name, value }, signal) {
      if (options.mode === 'skip') {
        await ports.clock.sleep(options.delayMs, signal);
        throwIfAborted(signal);
        return;
      }
      const deadline = ports.clock.now() + options.timeoutMs;
      let pauseMs = FIRST_PAUSE_MS;
      let search: Search | null = null;
      for (;;) {
        // The zone and its servers are looked up again only after that failed: the record is new, they are not.
        const failure = await attempt(async () => {
          search ??= await begin(name, ports, signal);
          await askAll(search, value, signal);
        });
        throwIfAborted(signal);
        if (failure === null && search !== null && isEverywhere(search)) return;
        if (ports.clock.now() + pauseMs > deadline) {
          throw failure ?? notPropagated(name, search, options.timeoutMs);
        }
        await ports.clock.sleep(pauseMs, signal);
        throwIfAborted(signal);
        pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
      }
    },
  };
}

/** One search for one value: who is asked, and what each said last. */
interface Search extends Authority {
  readonly servers: readonly AskedServer[];
}

interface AskedServer extends NameServer {
  state: 'unasked' | 'has-it' | 'lacks-it' | 'silent' | 'broken';
  /** For people: `answers SERVFAIL`. */
  said: string;
}

async function begin(name: string, ports: PropagationPorts, signal: AbortSignal): Promise<Search> {
  const authority = await findAuthority(name, ports, signal);
  return {
    ...authority,
    servers: authority.servers.map((server) => ({ ...server, state: 'unasked', said: '' })),
  };
}

async function askAll(search: Search, value: string, signal: AbortSignal): Promise<void> {
  await Promise.all(
    search.servers
      .filter((server) => server.state !== 'has-it')
      .map(async (server) => {
        try {
          const values = await server.resolver.txt(search.name, signal);
          server.state = values.includes(value) ? 'has-it' : 'lacks-it';
          server.said =
            server.state === 'has-it'
              ? 'has it'
              : values.length === 0
                ? 'has no TXT record there'
                : `has ${values.length === 1 ? 'another value' : 'other values'} there`;
        } catch (error) {
          server.state = isSilence(error) ? 'silent' : 'broken';
          server.said = describeLookupError(error);
        }
      }),
  );
}

/** A name server that has the value counts once, also when one of its addresses cannot be reached from here. */
function isEverywhere({ servers }: Search): boolean {
  const having = new Set(servers.filter((server) => server.state === 'has-it').map((server) => server.host));
  return servers.every(
    (server) =>
      server.state === 'has-it' ||
      (server.state === 'silent' && isIPv6(server.address) && having.has(server.host)),
  );
}

function notPropagated(name: string, search: Search | null, timeoutMs: number): RigilError {
  const servers = search?.servers ?? [];
  const report = servers.map((server) => `${server.host} (${server.address}) ${server.said}`).join(', ');
  const where = search === null || search.name === name ? name : `${name} (which points to ${search.name})`;
  const wanting = servers.some((server) => server.state === 'lacks-it');
  const hint = servers.some((server) => isPrivate(server.address))
    ? `the name servers found for ${search?.zone} have private addresses: if the CA sees others, set \`resolvers\` to public ones`
    : wanting
      ? 'if the servers are only slow, raise it: propagation check timeout=10m'
      : `the CA meets the same servers: mend them, or set: propagation skip delay=60s`;
  return new RigilError(
    'dns-not-propagated',
    `the TXT record at ${where} is not on every name server of ${search?.zone} after ${Math.round(timeoutMs / 1000)} s: ${report}`,
    { hint },
  );
}

/** RFC 1918, 4193, 6598, loopback and link-local addresses. */
function isPrivate(address: string): boolean {
  return /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe[89ab])/i.test(
    address,
  );
}

async function attempt(work: () => Promise<void>): Promise<RigilError | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof RigilError) return error;
    throw new RigilError('internal', messageOf(error), { cause: error });
  }
}
