import { describe, expect, it } from 'vitest';
import { has } from '../../peers.ts';
import { compare, essence, KNOWN } from './compare.ts';
import { LOOSER, STRICTER } from './differences.ts';
import { type PeerName, startPeer } from './peer-proxies.ts';

/*
 * The same bytes to another proxy: nothing that we pass on may be read differently there, but for what differences.ts
 * lists. Ours is what the other tests in this folder have seen, byte for byte.
 */
describe.concurrent('what we pass on is read in the same way by', () => {
  it.skipIf(!has('nginx'))('nginx', () => judge('nginx'), 60_000);
  it.skipIf(!has('haproxy'))('haproxy', () => judge('haproxy'), 60_000);
});

async function judge(name: PeerName): Promise<void> {
  await using peer = await startPeer(name);
  const known = new Set(LOOSER.filter((each) => each.peer === name).flatMap(({ names }) => names));
  const unexplained: object[] = [];
  let stricter = 0;
  await Promise.all(
    KNOWN.map(async ({ name: what, sent, ours }) => {
      const theirs = await peer.ask(sent);
      const verdict = compare(ours, theirs);
      if (verdict === 'stricter') stricter += 1;
      const explained =
        verdict === 'same' ||
        (verdict === 'looser' ? known.has(what) : STRICTER.some(({ names }) => names.test(what)));
      if (!explained)
        unexplained.push({ what, verdict, ours: ours.map(essence), theirs: theirs.map(essence) });
    }),
  );
  expect(unexplained).toEqual([]);
  // Or else nothing has reached it.
  expect(stricter).toBeGreaterThan(50);
}

it('every difference that is explained is one of a case', () => {
  const names = new Set(KNOWN.map(({ name }) => name));
  expect(LOOSER.flatMap((each) => each.names).filter((name) => !names.has(name))).toEqual([]);
  for (const { names: pattern } of STRICTER)
    expect([...names].filter((name) => pattern.test(name))).not.toEqual([]);
});
