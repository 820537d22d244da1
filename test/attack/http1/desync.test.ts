import { describe, expect, it } from 'vitest';
import { DESYNC } from './desync-cases.ts';
import { play } from './play.ts';

describe.each(Object.entries(DESYNC))('%s', (_, cases) => {
  it.each(cases)('$name', async (attack) => {
    await play(attack);
    expect.hasAssertions();
  });
});

it('there are hundreds', () => {
  expect(Object.values(DESYNC).flat().length).toBeGreaterThan(280);
});
