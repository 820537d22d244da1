import type { Certificate, Wanted } from '../../src/certs/certificate.ts';
import { CertificateManager, type ManagerOptions } from '../../src/certs/manager.ts';
import type { Issuer } from '../../src/certs/ports.ts';
import type { Event } from '../../src/events/event.ts';
import type { Random } from '../../src/platform/random.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIssuer } from './fake-issuer.ts';
import { HOUR, makeWanted } from './make.ts';
import { SharedMemory } from './memory-store.ts';

/** No chance at all: the middle of every jitter and window. */
export const noChance: Random = { fraction: () => 0.5, bytes: (size) => Buffer.alloc(size, 7) };

/** A process with a manager, and what it told the world. */
export interface Process {
  readonly manager: CertificateManager;
  readonly events: Event[];
  /** What was published, oldest first. */
  readonly published: ReadonlyMap<string, Certificate>[];
  /** What is served now. */
  served(id?: string): Certificate | null;
  /** Names of the events so far. */
  told(): string[];
}

/** A clock, a store and an issuer, and processes that share them. */
export class World {
  readonly clock = new FakeClock();
  readonly shared = new SharedMemory();
  readonly ca = new FakeIssuer('ca', this.clock);
  readonly second = new FakeIssuer('second', this.clock);
  readonly issuers: ReadonlyMap<string, Issuer> = new Map(
    [this.ca, this.second].map((issuer) => [issuer.name, issuer]),
  );

  /** A process that has read the store, and does nothing yet. */
  async process(
    wanted: readonly Wanted[] = [makeWanted()],
    options: Partial<ManagerOptions> = {},
    issuers = this.issuers,
  ): Promise<Process> {
    const process = this.idle(options);
    await process.manager.load();
    process.manager.setWanted(wanted, issuers);
    return process;
  }

  /** A process that works by itself. */
  async daemon(
    wanted: readonly Wanted[] = [makeWanted()],
    options: Partial<ManagerOptions> = {},
    issuers = this.issuers,
  ): Promise<Process> {
    const process = await this.process(wanted, options, issuers);
    process.manager.start();
    return process;
  }

  /** A process that has not even read the store. */
  idle(options: Partial<ManagerOptions> = {}): Process {
    const events: Event[] = [];
    const published: ReadonlyMap<string, Certificate>[] = [];
    const manager = new CertificateManager({
      store: this.shared.open(),
      clock: this.clock,
      random: noChance,
      emit: (event) => events.push(event),
      longestNapMs: HOUR,
      publish: () => published.push(manager.certificates),
      ...options,
    });
    return {
      manager,
      events,
      published,
      served: (id = 'example.com') => published.at(-1)?.get(id) ?? null,
      told: () => events.map(({ event }) => event),
    };
  }
}
