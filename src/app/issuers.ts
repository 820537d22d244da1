import { accountDocuments } from '../acme/account-documents.ts';
import { AcmeIssuer } from '../acme/issuer.ts';
import { dns01 } from '../acme/solvers/dns-01.ts';
import { dnsPersist01 } from '../acme/solvers/dns-persist-01.ts';
import { http01 } from '../acme/solvers/http-01.ts';
import type { Solver } from '../acme/solvers/solver.ts';
import { tlsAlpn01 } from '../acme/solvers/tls-alpn-01.ts';
import type { Issuer } from '../certs/ports.ts';
import type { Board } from '../challenges/board.ts';
import type { ChallengeConfig, Config, IssuerConfig } from '../config/config.ts';
import { createPropagationCheck } from '../dns/propagation.ts';
import { createProvider } from '../dns/registry.ts';
import { createResolver } from '../dns/resolver.ts';
import type { Emit } from '../events/bus.ts';
import { InternalCa } from '../internal-ca/internal-ca.ts';
import type { Clock } from '../platform/clock.ts';
import { systemHttp } from '../platform/http.ts';
import type { Random } from '../platform/random.ts';
import type { Store } from '../store/store.ts';
import { TailscaleIssuer } from '../tailscale/issuer.ts';
import { LocalApi } from '../tailscale/local-api.ts';
import { responderUrlOf } from './responder-url.ts';
import { VERSION } from './version.ts';

export interface IssuerTools {
  readonly store: Store;
  /** Where answers to challenges are shown. */
  readonly board: Board;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Makes the issuers of a configuration. One whose section has not changed is the same as before, so that a reload
 * forgets neither its connections nor how many requests it has sent.
 */
export class Issuers {
  readonly #tools: IssuerTools;
  #made = new Map<string, { readonly section: string; readonly issuer: Issuer }>();

  constructor(tools: IssuerTools) {
    this.#tools = tools;
  }

  /** By name. @throws RigilError `dns-option-invalid` when a DNS provider cannot be made ready */
  of(config: Config): ReadonlyMap<string, Issuer> {
    const made = new Map(
      config.issuers.map((settings) => {
        const section = JSON.stringify(settings);
        const known = this.#made.get(settings.name);
        const issuer = known?.section === section ? known.issuer : this.#make(settings);
        return [settings.name, { section, issuer }] as const;
      }),
    );
    this.#made = made;
    return new Map([...made].map(([name, { issuer }]) => [name, issuer]));
  }

  /** Closes the connections to CAs, which would keep a command from ending. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#made.values()].map(({ issuer }) => (issuer instanceof AcmeIssuer ? issuer.close() : null)),
    );
  }

  #make(settings: IssuerConfig): Issuer {
    const { store, clock, random, emit, env } = this.#tools;
    if (settings.socket !== null) {
      const api = new LocalApi({ socket: settings.socket, http: systemHttp, clock });
      return new TailscaleIssuer({ name: settings.name, timeoutMs: settings.timeoutMs, api, clock });
    }
    if (settings.directory === null) {
      return new InternalCa({
        name: settings.name,
        keyType: settings.keyType,
        responderUrl: responderUrlOf(settings.ocsp),
        documents: store.documents,
        locks: store,
        clock,
        random,
        emit,
      });
    }
    const solvers = settings.challenges.map((challenge) => this.#solver(challenge, settings));
    const accounts = accountDocuments(store.documents, store);
    return new AcmeIssuer(
      { ...settings, directory: settings.directory },
      { solvers, accounts, clock, random, emit, version: VERSION, environment: env },
    );
  }

  #solver(challenge: ChallengeConfig, { resolvers, propagation }: IssuerConfig): Solver {
    const { board, clock, random, env } = this.#tools;
    switch (challenge.type) {
      case 'http-01':
        return http01(board);
      case 'tls-alpn-01':
        return tlsAlpn01(board, { clock, random });
      case 'dns-01': {
        const resolver = createResolver(resolvers);
        const provider = createProvider(challenge.provider, challenge.options, {
          http: systemHttp,
          clock,
          resolver,
          env,
        });
        return dns01(provider, createPropagationCheck(propagation, { clock, resolver }));
      }
      case 'dns-persist-01': {
        const resolver = createResolver(resolvers);
        return dnsPersist01((name, signal) => resolver.txt(name, signal), clock);
      }
      default:
        return challenge satisfies never;
    }
  }
}
