import { describe, expect, it } from 'vitest';
import { atEndOfTurn, endTurn } from '../../src/proxy/end-of-turn.ts';

const turnEnds = () => new Promise<void>((resolve) => setImmediate(resolve));

function noting(done: string[], name: string, then = () => {}) {
  return {
    atEndOfTurn() {
      done.push(name);
      then();
    },
  };
}

describe('the end of a turn of the event loop', () => {
  it('comes after all that the turn brings, once for each, in order', async () => {
    const done: string[] = [];
    atEndOfTurn(noting(done, 'one'));
    await Promise.resolve();
    atEndOfTurn(noting(done, 'two'));
    expect(done).toEqual([]);
    await turnEnds();
    expect(done).toEqual(['one', 'two']);
    await turnEnds();
    expect(done).toEqual(['one', 'two']);
  });

  it('comes early before work that takes long, and then again for what follows', async () => {
    const done: string[] = [];
    atEndOfTurn(noting(done, 'before'));
    endTurn();
    expect(done).toEqual(['before']);
    atEndOfTurn(noting(done, 'after'));
    expect(done).toEqual(['before']);
    await turnEnds();
    expect(done).toEqual(['before', 'after']);
  });

  it('leaves to the next turn what is asked for meanwhile', async () => {
    const done: string[] = [];
    atEndOfTurn(noting(done, 'first', () => atEndOfTurn(noting(done, 'second'))));
    endTurn();
    expect(done).toEqual(['first']);
    await turnEnds();
    expect(done).toEqual(['first', 'second']);
  });
});
