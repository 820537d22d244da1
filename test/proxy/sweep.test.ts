import { describe, expect, it } from 'vitest';
import { NOWHERE, Sweep, type Timed } from '../../src/proxy/sweep.ts';

/** Long enough for a few periods of a millisecond, however busy the machine is. */
const SOON_MS = 5_000;

class Watch implements Timed {
  place = NOWHERE;
  ticks = 0;
  readonly #onTick: () => void;

  constructor(onTick: () => void = () => {}) {
    this.#onTick = onTick;
  }

  tick(): void {
    this.ticks += 1;
    this.#onTick();
  }
}

async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + SOON_MS; !done() && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe('Sweep', () => {
  it('asks everybody who is in it, and nobody who has left', async () => {
    const sweep = new Sweep(1);
    const watches = Array.from({ length: 50 }, () => new Watch());
    for (const watch of watches) sweep.add(watch);
    const [gone, stay] = [watches.filter((_, i) => i % 3 === 0), watches.filter((_, i) => i % 3 !== 0)];
    for (const watch of gone) sweep.delete(watch);
    await until(() => stay.every(({ ticks }) => ticks >= 2));
    expect(stay.every(({ ticks }) => ticks >= 2)).toBe(true);
    expect(gone.map(({ ticks }) => ticks)).toEqual(gone.map(() => 0));
    for (const watch of stay) sweep.delete(watch);
  });

  it('asks each once a round though some leave and others come in the middle of it', async () => {
    const sweep = new Sweep(1);
    const late = new Watch();
    const watches: Watch[] = Array.from(
      { length: 20 },
      (_, index) =>
        new Watch(() => {
          const self = watches[index];
          if (self !== undefined) sweep.delete(self);
          if (index === 10) sweep.add(late);
        }),
    );
    for (const watch of watches) sweep.add(watch);
    await until(() => late.ticks > 0);
    expect(watches.map(({ ticks }) => ticks)).toEqual(watches.map(() => 1));
    expect(late.ticks).toBeGreaterThan(0);
    sweep.delete(late);
  });

  it('takes leaving or coming twice for once', async () => {
    const sweep = new Sweep(1);
    const [one, other] = [new Watch(), new Watch()];
    sweep.add(one);
    sweep.add(one);
    sweep.add(other);
    sweep.delete(one);
    sweep.delete(one);
    await until(() => other.ticks >= 2);
    expect(one.ticks).toBe(0);
    expect(other.ticks).toBeGreaterThanOrEqual(2);
    expect([one.place, other.place]).toEqual([NOWHERE, 0]);
    sweep.delete(other);
  });
});
