import type { Issued, Order } from '../certs/ports.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { deadline } from '../platform/deadline.ts';
import { createCsr } from '../x509/csr.ts';
import { generatePrivateKey, type KeyType } from '../x509/private-key.ts';
import type { AccountCredentials } from './account.ts';
import { chainIssuer, checkChain } from './certificate-chain.ts';
import { awaitOrder, downloadChain, finalizeOrder, orderInvalid, placeOrder } from './order.ts';
import { ProofsFailed } from './proof-failure.ts';
import { Proofs } from './proofs.ts';
import type { OpenProtocol, Protocol } from './protocol.ts';
import { identifierOf } from './resources.ts';
import type { ProvingAccount, Solver } from './solvers/solver.ts';

/** How certificates are asked for. */
export interface IssuancePolicy {
  readonly keyType: KeyType;
  readonly mustStaple: boolean;
  readonly profile: string | null;
  /** Common name of the topmost issuer of the wanted chain, or null. */
  readonly preferredChain: string | null;
  /** In order of preference. */
  readonly solvers: readonly Solver[];
}

/** What an issuance works with. */
export interface IssuanceTools {
  readonly open: OpenProtocol;
  readonly credentials: AccountCredentials;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Longest time to give up what a failed order left at the CA, in milliseconds. */
const GIVE_UP_MS = 10_000;

/**
 * One certificate from order to checked chain. When a way of proving fails and another one is configured and offered,
 * a new order is placed for that one: RFC 8555 7.1.6 lets an authorization fail only once.
 *
 * @throws RigilError; the signal's reason when it aborts. Either way no answer and no pending authorization is left.
 */
export async function issueCertificate(
  order: Order,
  policy: IssuancePolicy,
  tools: IssuanceTools,
  signal: AbortSignal,
): Promise<Issued> {
  const protocol = await tools.open(tools.credentials, signal);
  const failedTypes = new Set<string>();
  for (;;) {
    try {
      return await new Issuance(order, policy, tools, protocol, signal).run(failedTypes);
    } catch (error) {
      if (!(error instanceof ProofsFailed) || signal.aborted) throw error;
      for (const { type } of error.failures) failedTypes.add(type);
      const hopeless = error.failures.some(({ alternatives }) =>
        alternatives.every((type) => failedTypes.has(type)),
      );
      if (hopeless) throw error;
    }
  }
}

class Issuance {
  readonly #order: Order;
  readonly #names: readonly string[];
  readonly #policy: IssuancePolicy;
  readonly #tools: IssuanceTools;
  readonly #protocol: Protocol;
  readonly #signal: AbortSignal;

  constructor(
    order: Order,
    policy: IssuancePolicy,
    tools: IssuanceTools,
    protocol: Protocol,
    signal: AbortSignal,
  ) {
    this.#order = order;
    this.#names = order.names.map((name) => identifierOf(name).value);
    this.#policy = policy;
    this.#tools = tools;
    this.#protocol = protocol;
    this.#signal = signal;
  }

  async run(failedTypes: ReadonlySet<string>): Promise<Issued> {
    const { keyType, mustStaple, profile, solvers } = this.#policy;
    const proofs = new Proofs({
      protocol: this.#protocol,
      solvers,
      account: await this.#account(),
      failedTypes,
      names: this.#names,
      id: this.#order.id,
      emit: this.#tools.emit,
    });
    const replaces = this.#order.replaces?.ariId ?? null;
    const placed = await placeOrder(this.#protocol, { names: this.#names, profile, replaces });
    try {
      const ordering = { protocol: this.#protocol, clock: this.#tools.clock, signal: this.#signal };
      if (placed.order.status === 'pending') {
        await proofs.present(placed.order.authorizations, this.#signal);
        const proved = await awaitOrder(ordering, placed.url, ['pending']);
        if (proved.status === 'invalid') {
          const failures = await proofs.failures();
          throw failures.length === 0 ? orderInvalid(proved) : new ProofsFailed(failures);
        }
      }
      const clearing = proofs.takeAway();
      const key = await generatePrivateKey(keyType);
      const csr = await createCsr({ names: this.#names, key, mustStaple });
      const url = await finalizeOrder(ordering, placed, csr);
      const chain = await this.#download(url, key);
      await clearing;
      return { chain, key };
    } catch (error) {
      await Promise.allSettled([proofs.takeAway(), this.#giveUp(proofs)]);
      throw error;
    }
  }

  async #download(url: string, key: string): Promise<string> {
    const { preferredChain } = this.#policy;
    const { chain, matched } = await downloadChain(this.#protocol, url, preferredChain);
    if (!matched) {
      const { id } = this.#order;
      const got = chainIssuer(chain) ?? 'unknown';
      this.#tools.emit({ event: 'certificate.chain.default', id, wanted: preferredChain ?? '', got });
    }
    return checkChain(chain, { names: this.#names, key }, this.#tools.clock.now());
  }

  async #account(): Promise<ProvingAccount> {
    const { accountHashPrefix, issuerDomainNames } = await this.#protocol.directory();
    return {
      url: this.#tools.credentials.url,
      thumbprint: this.#protocol.thumbprint,
      hashPrefix: accountHashPrefix,
      issuerDomainNames,
    };
  }

  /** Deactivates what still waits for a proof (RFC 8555 7.5.2), so that it does not count against the account. */
  async #giveUp(proofs: Proofs): Promise<void> {
    if (proofs.pending.length === 0) return;
    using limit = deadline(this.#tools.clock, GIVE_UP_MS, null);
    const protocol = await this.#tools.open(this.#tools.credentials, limit.signal);
    await Promise.allSettled(proofs.pending.map((url) => protocol.post(url, { status: 'deactivated' })));
  }
}
