import type { Event } from '../events/event.ts';

interface Attempts {
  readonly succeeded: number;
  readonly failed: number;
}

const NONE: Attempts = { succeeded: 0, failed: 0 };

/** Counts finished attempts by certificate, as a listener of the event bus. */
export class AttemptCounter {
  readonly byId = new Map<string, Attempts>();

  readonly listen = (event: Event): void => {
    switch (event.event) {
      case 'certificate.obtain.finished':
      case 'certificate.renew.finished':
        this.#add(event.id, { succeeded: 1, failed: 0 });
        break;
      case 'certificate.obtain.failed':
      case 'certificate.renew.failed':
        this.#add(event.id, { succeeded: 0, failed: 1 });
        break;
      default:
    }
  };

  #add(id: string, { succeeded, failed }: Attempts): void {
    const before = this.byId.get(id) ?? NONE;
    this.byId.set(id, { succeeded: before.succeeded + succeeded, failed: before.failed + failed });
  }
}
