import { beforeEach, describe, expect, it } from 'vitest';
import type { Certificate, CertificateFacts } from '../../src/certs/certificate.ts';
import { mustServe } from '../../src/certs/facts.ts';
import { fold } from '../../src/certs/fold.ts';
import { plan } from '../../src/certs/plan.ts';
import type { StapleSource } from '../../src/certs/ports.ts';
import { RigilError } from '../../src/errors.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { DAY, HOUR, MINUTE, makeEntry, makeFacts, makeHeld, makeState, START } from './make.ts';
import { World } from './world.ts';

/** Staples that are due every 12 hours, and what the CA says of certificates. */
class FakeStaples implements StapleSource {
  readonly asked: { readonly fingerprint: string; readonly at: number }[] = [];
  readonly revoked = new Map<string, number>();
  /** What a question brings: nothing, or what the CA has to say against the certificate. */
  answer: (certificate: Certificate) => 'good' | 'revoked' | 'no answer' = () => 'good';
  readonly #dueAt = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  dueAt({ fingerprint, obtainedAt }: CertificateFacts): number {
    return this.#dueAt.get(fingerprint) ?? obtainedAt;
  }

  revokedAt(fingerprint: string): number | null {
    return this.revoked.get(fingerprint) ?? null;
  }

  async refresh(certificate: Certificate): Promise<number> {
    const { fingerprint } = certificate.facts;
    const now = this.#clock.now();
    this.asked.push({ fingerprint, at: now });
    const answer = this.answer(certificate);
    if (answer === 'revoked') this.revoked.set(fingerprint, now);
    const dueAt = now + (answer === 'good' ? 12 * HOUR : HOUR);
    this.#dueAt.set(fingerprint, dueAt);
    return dueAt;
  }
}

let world: World;
let staples: FakeStaples;
beforeEach(() => {
  world = new World();
  staples = new FakeStaples(world.clock);
});

describe('a certificate that its CA has revoked', () => {
  it('is to be replaced at once, and the plan says why', () => {
    const held = { ...makeHeld(), revokedAt: START + DAY };
    const { actions } = plan(makeState([makeEntry({ held })]), START + 2 * DAY);
    expect(actions).toMatchObject([{ kind: 'renew', dueAt: START + DAY, reason: 'its CA has revoked it' }]);
  });

  it('is replaced once, and served until then', async () => {
    const { served, events } = await world.daemon(undefined, { staples });
    await world.clock.advance(DAY);
    const first = served();
    staples.answer = ({ facts }) => (facts.fingerprint === first?.facts.fingerprint ? 'revoked' : 'good');
    world.ca.fails = () => new RigilError('issuer-unavailable', 'nobody answers');
    await world.clock.advance(12 * HOUR + 5 * MINUTE);
    expect(served()).toBe(first);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'certificate.renew.started', reason: 'its CA has revoked it' }),
    );

    world.ca.fails = () => null;
    await world.clock.advance(2 * DAY);
    expect(served()?.facts.fingerprint).not.toBe(first?.facts.fingerprint);
    const replaced = world.ca.orders.length;
    await world.clock.advance(10 * DAY);
    expect(world.ca.orders).toHaveLength(replaced);
  });

  it('is known after a restart', async () => {
    await world.daemon(undefined, { staples });
    await world.clock.advance(DAY);
    const [stored] = world.shared.certificates.values();
    staples.revoked.set(stored?.facts.fingerprint ?? '', world.clock.now());
    const { manager } = await world.process(undefined, { staples });
    expect(manager.plan(world.clock.now()).actions).toMatchObject([{ reason: 'its CA has revoked it' }]);
  });

  it('is not asked for in a circle when a CA calls everything revoked', async () => {
    staples.answer = () => 'revoked';
    await world.daemon(undefined, { staples });
    await world.clock.advance(DAY);
    expect(world.ca.orders.length).toBeGreaterThan(1);
    expect(world.ca.orders.length).toBeLessThanOrEqual(25);
  });

  it('does not taint the one that took its place during the question', () => {
    const entry = makeEntry({ held: makeHeld() });
    const outcome = { id: 'example.com', at: START, chance: 0.5, fingerprint: 'of the former one' };
    expect(
      fold(entry, { kind: 'stapled', ...outcome, stapleAt: START + HOUR, revokedAt: START }).held,
    ).toEqual(entry.held);
  });
});

describe('a responder that is down for a day', () => {
  it('changes nothing of what is served, and costs the CA no order', async () => {
    const { served, published } = await world.daemon(undefined, { staples });
    await world.clock.advance(HOUR);
    const [before, count] = [served(), published.length];
    staples.answer = () => 'no answer';
    await world.clock.advance(36 * HOUR);
    expect(staples.asked.length).toBeGreaterThan(20);
    expect(served()).toBe(before);
    expect(published).toHaveLength(count);
    expect(world.ca.orders).toHaveLength(1);

    staples.answer = () => 'good';
    await world.clock.advance(2 * HOUR);
    const asked = staples.asked.length;
    await world.clock.advance(10 * HOUR);
    expect(staples.asked).toHaveLength(asked);
  });
});

describe('a must-staple certificate', () => {
  const serve = (parts: Partial<CertificateFacts>) =>
    mustServe({ facts: makeFacts({ mustStaple: true, ...parts }), chain: '', key: '' }, [], START);

  it('is refused when it names no responder: nobody could ever staple it', () => {
    expect(() => serve({ responderUrl: null })).toThrow(
      expect.objectContaining({
        code: 'responder-missing',
        hint: expect.stringContaining('take `must-staple` out'),
      }),
    );
    expect(() => serve({ responderUrl: 'http://ocsp.example/' })).not.toThrow();
  });
});
