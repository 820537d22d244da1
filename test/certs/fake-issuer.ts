import type { OrderLedger } from '../../src/acme/order-ledger.ts';
import type { CertificateFacts } from '../../src/certs/certificate.ts';
import type { Issued, Issuer, Order, Pace, RenewalInfo } from '../../src/certs/ports.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { DAY } from './make.ts';
import { quickCertificate } from './quick-certificate.ts';

/** An order as it came in. */
export interface Placed extends Order {
  readonly at: number;
}

/** An issuer that does what it is told to. */
export class FakeIssuer implements Issuer {
  readonly name: string;
  readonly orders: Placed[] = [];
  /** Orders that were broken off through their signal. */
  aborted = 0;
  timeoutMs = 600_000;
  paces: readonly Pace[] = [];
  account?: string;
  lifeMs = 90 * DAY;
  ledger: OrderLedger | null = null;
  /** How long an order takes. */
  takesMs = 0;
  /** What an order fails with; null = it succeeds. */
  fails: (order: Order) => Error | null = () => null;
  /** How long orders hang: `until` resolves. Null = they do not. */
  hangs: ((order: Order) => Promise<void> | null) | null = null;
  renewalInfo?: (facts: CertificateFacts) => Promise<RenewalInfo | null>;
  readonly #clock: Clock;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  async issue(order: Order, signal: AbortSignal): Promise<Issued> {
    await this.ledger?.enter(signal);
    this.orders.push({ ...order, at: this.#clock.now() });
    await this.hangs?.(order);
    await this.#clock.sleep(this.takesMs, signal);
    if (signal.aborted) {
      this.aborted += 1;
      throw signal.reason;
    }
    const failure = this.fails(order);
    if (failure !== null) throw failure;
    const now = this.#clock.now();
    return quickCertificate(order.names, now, now + this.lifeMs);
  }
}
