import type { Issued, Order, OrderNote } from '../certs/ports.ts';
import { codeOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { deadline } from '../platform/deadline.ts';
import { createCsr } from '../x509/csr.ts';
import { generatePrivateKey, type KeyType } from '../x509/private-key.ts';
import type { AccountCredentials } from './account.ts';
import { chainIssuer, checkChain } from './certificate-chain.ts';
import {
  awaitOrder,
  certificateOf,
  downloadChain,
  finalizeOrder,
  orderInvalid,
  type PlacedOrder,
  placeOrder,
} from './order.ts';
import { type OrderDemand, type OrderInFlight, writeNote } from './order-in-flight.ts';
import { ProofsFailed } from './proof-failure.ts';
import { Proofs } from './proofs.ts';
import type { OpenProtocol, Protocol } from './protocol.ts';
import { identifierOf } from './resources.ts';
import { failedByItself, resumeOrder } from './resume.ts';
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
  /** Called before an order is placed, but not when one is gone on with. @throws to place none */
  readonly beforeOrder: () => Promise<void>;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Longest time to give up what a failed order left at the CA, in milliseconds. */
const GIVE_UP_MS = 10_000;

/**
 * One certificate from order to checked chain. An order that is noted in `order.note` is gone on with; any other is
 * noted there before and after it is placed, so that whoever has the lock next can do the same.
 *
 * When a way of proving fails and another one is configured and offered, a new order is placed for that one: RFC 8555
 * 7.1.6 lets an authorization fail only once.
 *
 * @throws RigilError; the signal's reason when it aborts. Either way no answer and no pending authorization is left, but
 *   for what the next one goes on with
 */
export async function issueCertificate(
  order: Order,
  policy: IssuancePolicy,
  tools: IssuanceTools,
  signal: AbortSignal,
): Promise<Issued> {
  const protocol = await tools.open(tools.credentials, signal);
  const failedTypes = new Set<string>();
  for (let mayResume = true; ; mayResume = false) {
    const issuance = new Issuance(order, policy, tools, protocol, signal);
    try {
      return await issuance.run(failedTypes, mayResume);
    } catch (error) {
      if (signal.aborted || !(error instanceof RigilError)) throw error;
      if (issuance.hasResumed && failedByItself(error)) {
        tools.emit({ event: 'order.dropped', id: order.id, why: error.message });
        continue;
      }
      if (!(error instanceof ProofsFailed)) throw error;
      for (const { type } of error.failures) failedTypes.add(type);
      const hopeless = error.failures.some(({ alternatives }) =>
        alternatives.every((type) => failedTypes.has(type)),
      );
      if (hopeless) throw error;
    }
  }
}

/** An order at the CA, with the key of its certificate. */
interface Flight {
  readonly noted: OrderInFlight;
  readonly placed: PlacedOrder;
}

class Issuance {
  /** Whether the order is one that somebody else had begun. */
  hasResumed = false;
  readonly #order: Order;
  readonly #demand: OrderDemand;
  readonly #note: OrderNote | null;
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
    const { profile, mustStaple, keyType } = policy;
    const names = order.names.map((name) => identifierOf(name).value);
    this.#order = order;
    this.#demand = { account: tools.credentials.url, names, profile, mustStaple, keyType };
    this.#note = order.note ?? null;
    this.#policy = policy;
    this.#tools = tools;
    this.#protocol = protocol;
    this.#signal = signal;
  }

  async run(failedTypes: ReadonlySet<string>, mayResume: boolean): Promise<Issued> {
    const proofs = new Proofs({
      protocol: this.#protocol,
      solvers: this.#policy.solvers,
      account: await this.#account(),
      failedTypes,
      names: this.#demand.names,
      id: this.#order.id,
      emit: this.#tools.emit,
    });
    const flight = (mayResume ? await this.#resume() : null) ?? (await this.#begin());
    const { noted, placed } = flight;
    let isProved = placed.order.status !== 'pending';
    try {
      if (!isProved) {
        await proofs.present(placed.order.authorizations, this.#signal);
        const proved = await awaitOrder(this.#ordering(), placed.url, ['pending']);
        if (proved.status === 'invalid') {
          const failures = await proofs.failures();
          throw failures.length === 0 ? orderInvalid(proved) : new ProofsFailed(failures);
        }
        isProved = true;
      }
      const clearing = proofs.takeAway();
      const chain = await this.#download(await this.#certificateUrl(flight), noted.key);
      await clearing;
      return { chain, key: noted.key };
    } catch (error) {
      await this.#leave(proofs, isProved && this.#mayGoOn(error));
      throw error;
    }
  }

  /** The order that is noted, if it is one to go on with. */
  async #resume(): Promise<Flight | null> {
    const note = (await this.#note?.read()) ?? null;
    if (note === null) return null;
    const { emit, clock } = this.#tools;
    const { id } = this.#order;
    const resumption = await resumeOrder(this.#protocol, note, this.#demand, clock.now());
    if (resumption.noted === null) {
      emit({ event: 'order.dropped', id, why: resumption.why });
      return null;
    }
    this.hasResumed = true;
    const begunAt = new Date(resumption.noted.begunAt).toISOString();
    emit({ event: 'order.resumed', id, status: resumption.placed.order.status, begunAt });
    return resumption;
  }

  /** Places an order. What cannot be noted is not ordered. */
  async #begin(): Promise<Flight> {
    const { names, profile, keyType } = this.#demand;
    const key = await generatePrivateKey(keyType);
    await this.#tools.beforeOrder();
    const begunAt = this.#tools.clock.now();
    const intended = { ...this.#demand, url: null, key, begunAt, expiresAt: null };
    await this.#note?.write(writeNote(intended));
    const replaces = this.#order.replaces?.ariId ?? null;
    const placed = await placeOrder(this.#protocol, { names, profile, replaces }).catch(async (error) => {
      await this.#note?.erase().catch(() => {});
      throw error;
    });
    const noted = { ...intended, url: placed.url, expiresAt: placed.order.expires };
    await this.#renote(noted);
    return { noted, placed };
  }

  async #certificateUrl({ noted, placed }: Flight): Promise<string> {
    const { order, url } = placed;
    switch (order.status) {
      case 'valid':
      case 'invalid':
        return certificateOf(order);
      case 'processing':
        return certificateOf(await awaitOrder(this.#ordering(), url, ['processing']));
      case 'pending':
      case 'ready': {
        const { names, mustStaple } = this.#demand;
        const csr = await createCsr({ names, key: noted.key, mustStaple });
        // The last look at the lock before what cannot be undone.
        await this.#renote(noted);
        this.#signal.throwIfAborted();
        return finalizeOrder(this.#ordering(), placed, csr);
      }
      default: {
        const unknown: never = order.status;
        return unknown;
      }
    }
  }

  /** Notes an order that is placed already: a store that is away now does not hold it up, a lost lock does. */
  async #renote(noted: OrderInFlight): Promise<void> {
    await this.#note?.write(writeNote(noted)).catch((error: unknown) => {
      if (codeOf(error) === 'lock-lost') throw error;
    });
  }

  async #download(url: string, key: string): Promise<string> {
    const { preferredChain } = this.#policy;
    const { chain, matched } = await downloadChain(this.#protocol, url, preferredChain);
    if (!matched) {
      const { id } = this.#order;
      const got = chainIssuer(chain) ?? 'unknown';
      this.#tools.emit({ event: 'certificate.chain.default', id, wanted: preferredChain ?? '', got });
    }
    return checkChain(chain, { names: this.#demand.names, key }, this.#tools.clock.now());
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

  /** Whether an order whose names are proved can be gone on with after `error`. */
  #mayGoOn(error: unknown): boolean {
    return this.#signal.aborted || ['issuer-unavailable', 'rate-limited'].includes(codeOf(error));
  }

  /**
   * After a failure: leaves the order to whoever has the lock next, when it is his or worth it; else gives it up. Only
   * who could still erase the note may give up: a process that slept must not take from its successor what he needs.
   */
  async #leave(proofs: Proofs, mayGoOn: boolean): Promise<void> {
    const note = this.#note;
    if (note !== null) {
      const isLost = (): boolean => note.lost.aborted;
      const isOver =
        !mayGoOn &&
        !isLost() &&
        (await note.erase().then(
          () => true,
          () => false,
        ));
      if (!isOver) return proofs.takeAway({ leaveShared: isLost() || !mayGoOn });
    }
    await Promise.allSettled([proofs.takeAway(), this.#giveUp(proofs)]);
  }

  /** Deactivates what still waits for a proof (RFC 8555 7.5.2), so that it does not count against the account. */
  async #giveUp(proofs: Proofs): Promise<void> {
    if (proofs.pending.length === 0) return;
    using limit = deadline(this.#tools.clock, GIVE_UP_MS, null);
    const protocol = await this.#tools.open(this.#tools.credentials, limit.signal);
    await Promise.allSettled(proofs.pending.map((url) => protocol.post(url, { status: 'deactivated' })));
  }

  #ordering() {
    return { protocol: this.#protocol, clock: this.#tools.clock, signal: this.#signal };
  }
}
