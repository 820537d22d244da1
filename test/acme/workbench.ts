import { accountDocuments } from '../../src/acme/account-documents.ts';
import { AcmeIssuer, type AcmeIssuerSettings, type AcmeIssuerTools } from '../../src/acme/issuer.ts';
import { dns01 } from '../../src/acme/solvers/dns-01.ts';
import { http01 } from '../../src/acme/solvers/http-01.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { tlsAlpn01 } from '../../src/acme/solvers/tls-alpn-01.ts';
import type { CertificateFacts } from '../../src/certs/certificate.ts';
import type { Issued, Order } from '../../src/certs/ports.ts';
import { StandaloneBoard } from '../../src/challenges/standalone.ts';
import type { DnsProvider } from '../../src/dns/provider.ts';
import type { Event } from '../../src/events/event.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import type { Pebble } from '../pebble.ts';
import { MemoryDocuments } from './memory-documents.ts';

/** An issuer at a Pebble, with solvers that Pebble reaches. */
export interface Workbench {
  readonly issuer: AcmeIssuer;
  readonly board: StandaloneBoard;
  readonly documents: MemoryDocuments;
  readonly events: Event[];
  readonly solvers: { readonly http: Solver; readonly tlsAlpn: Solver; readonly dns: Solver };
}

/** Real time, but the first pauses before looking at an order take a twentieth: they are there for real CAs. */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms <= 400 ? ms / 20 : ms, signal),
};

export const noSignal = new AbortController().signal;

export function workbench(
  pebble: Pebble,
  settings: Partial<AcmeIssuerSettings> = {},
  choose: (solvers: Workbench['solvers']) => readonly Solver[] = ({ http, tlsAlpn }) => [http, tlsAlpn],
  tools: Partial<AcmeIssuerTools> & { readonly documents?: MemoryDocuments } = {},
): Workbench {
  const board = new StandaloneBoard({
    'http-01': { host: '127.0.0.1', port: pebble.httpPort },
    'tls-alpn-01': { host: '127.0.0.1', port: pebble.tlsPort },
  });
  const solvers = {
    http: http01(board),
    tlsAlpn: tlsAlpn01(board, { clock: systemClock, random: systemRandom }),
    dns: dns01(pebbleDns(pebble), { wait: async () => {} }),
  };
  const documents = tools.documents ?? new MemoryDocuments();
  const events: Event[] = [];
  const issuer = new AcmeIssuer(settingsFor(pebble, settings), {
    solvers: choose(solvers),
    accounts: accountDocuments(documents, documents),
    clock: hurriedClock,
    random: systemRandom,
    emit: (event) => events.push(event),
    version: '0.0.0',
    ...tools,
  });
  return { issuer, board, documents, events, solvers };
}

export function settingsFor(
  ca: { readonly directory: string; readonly caRoot: string },
  settings: Partial<AcmeIssuerSettings> = {},
): AcmeIssuerSettings {
  return {
    name: 'test',
    directory: ca.directory,
    caRoot: ca.caRoot,
    email: 'admin@example.org',
    eab: null,
    profile: null,
    preferredChain: null,
    mustStaple: false,
    keyType: 'p256',
    requestRate: 1_000,
    obtainIntervalMs: 0,
    timeoutMs: 60_000,
    ...settings,
  };
}

export function orderFor(names: readonly string[], replaces: CertificateFacts | null = null): Order {
  return { id: names[0] ?? '', names, replaces };
}

export function factsOf(issued: Issued, issuer = 'test'): CertificateFacts {
  const { certificate: _, ...leaf } = readLeaf(issued.chain);
  return { ...leaf, id: leaf.names[0] ?? '', issuer, obtainedAt: systemClock.now(), source: 'rigil' };
}

/** Pebble's DNS as a provider. Its interface can only clear a name as a whole, so the values that stay are set again. */
function pebbleDns(pebble: Pebble): DnsProvider {
  const values = new Map<string, string[]>();
  return {
    name: 'pebble',
    present: async ({ name, value }) => {
      values.set(name, [...(values.get(name) ?? []), value]);
      await pebble.setTxt(name, value);
      return async () => {
        const left = (values.get(name) ?? []).filter((each) => each !== value);
        values.set(name, left);
        await pebble.setTxt(name, null);
        for (const each of left) await pebble.setTxt(name, each);
      };
    },
  };
}

/** Promises an answer and shows none: for a CA that believes everything, or to fail. */
export function silent(type: string): Solver {
  return { type, fits: (name) => !name.startsWith('*.'), present: async () => async () => {} };
}
