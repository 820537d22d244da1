import { Candidate, Group } from '../../../src/proxy/balance/group.ts';
import { Server } from '../../../src/proxy/balance/server.ts';
import type { Balance } from '../../../src/routing/route.ts';

/** A group with these weights whose upstreams are called by their index. */
export function makeGroup(
  weights: readonly number[],
  policy: Balance['policy'] = 'random',
  fraction: () => number = lottery(),
): Group {
  const candidates = weights.map(
    (weight, index) => new Candidate({ scheme: 'http', host: String(index), port: 80 }, new Server(), weight),
  );
  const tokens = policy === 'sticky' ? weights.map((_, index) => `token-${index}`) : [];
  return new Group(
    candidates,
    { policy, weights, tokens },
    { fraction, bytes: (size) => Buffer.alloc(size) },
  );
}

/** Numbers in [0, 1) that are spread evenly and the same in each run (a multiplicative congruential generator). */
export function lottery(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** How often each of a group was chosen in `rounds`, each request being over before the next one comes. */
export function shares(group: Group, rounds: number, nowMs = 0): number[] {
  const counts = group.candidates.map(() => 0);
  for (let n = 0; n < rounds; n++) {
    const chosen = group.choose(nowMs, [], null);
    if (chosen === null) throw new Error('nobody was chosen');
    const index = group.candidates.indexOf(chosen);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}
