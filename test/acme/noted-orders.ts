import type { Solver } from '../../src/acme/solvers/solver.ts';
import type { Issued, Order } from '../../src/certs/ports.ts';
import type { Event } from '../../src/events/event.ts';
import { issuerAt, ORDER } from './fake-ca/bench.ts';
import { handlers, type Route } from './fake-ca/handlers.ts';
import { type FakeCa, type Outcome, startFakeCa } from './fake-ca/server.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { MemoryNote } from './memory-note.ts';
import { noSignal, silent } from './workbench.ts';

/** A fake CA, and what processes share that order there one after the other: the account, and the note of the order. */
export class NotedOrders implements AsyncDisposable {
  readonly ca: FakeCa;
  readonly note = new MemoryNote();
  readonly events: Event[] = [];
  readonly #documents = new MemoryDocuments();

  private constructor(ca: FakeCa) {
    this.ca = ca;
  }

  static async open(): Promise<NotedOrders> {
    return new NotedOrders(await startFakeCa());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.ca.stop();
  }

  /** How many orders the CA has. */
  get count(): number {
    return this.ca.state.orders.size;
  }

  /** What was told of orders that were gone on with, or not. */
  get told(): readonly Event[] {
    return this.events.filter(({ event }) => event.startsWith('order.'));
  }

  /** One more process, which has the lock and orders. */
  start(
    order: Partial<Order> = {},
    { solver = silent('http-01'), signal = noSignal }: { solver?: Solver; signal?: AbortSignal } = {},
  ): Promise<Issued> {
    const emit = (event: Event): void => void this.events.push(event);
    const issuer = issuerAt(this.ca, {}, [solver], { documents: this.#documents, emit });
    return issuer.issue({ ...ORDER, ...order, note: order.note ?? this.note.take() }, signal);
  }

  /** A process that dies, or sleeps for ever, when it asks the CA for this; the CA has done it or not. */
  async dieAt(route: Route, has: 'asked' | 'been served' = 'asked'): Promise<void> {
    const died = Promise.withResolvers<void>();
    this.ca.disturb(
      route,
      async (request, state): Promise<Outcome> => {
        if (has === 'been served') await handlers[route](state, request);
        died.resolve();
        return 'hang';
      },
      1,
    );
    this.start().catch(() => {});
    await died.promise;
  }
}
