import { describe, expect, it } from 'vitest';
import { type ChallengeAnswer, ServingBoard } from '../../src/challenges/board.ts';

const noSignal = new AbortController().signal;
const answer = (body: string): ChallengeAnswer => ({ type: 'http-01', body });

describe('the board of the daemon', () => {
  it('is done with an answer when the workers have it, not before', async () => {
    const published: ReadonlyMap<string, ChallengeAnswer>[] = [];
    const ready = Promise.withResolvers<void>();
    const board = new ServingBoard(
      (answers) => published.push(answers),
      () => ready.promise,
    );
    let done = false;
    const put = board.put('http-01:a', answer('1'), noSignal).then((takeDown) => {
      done = true;
      return takeDown;
    });
    await Promise.resolve();
    expect(published.at(-1)).toEqual(new Map([['http-01:a', answer('1')]]));
    expect(done).toBe(false);
    ready.resolve();
    await (await put)();
    expect(published.at(-1)).toEqual(new Map());
  });

  it('takes an answer back when the workers do not get it', async () => {
    let shown = new Map<string, ChallengeAnswer>() as ReadonlyMap<string, ChallengeAnswer>;
    const board = new ServingBoard(
      (answers) => {
        shown = answers;
      },
      () => Promise.reject(new Error('no worker')),
    );
    await expect(board.put('http-01:a', answer('1'), noSignal)).rejects.toThrow('no worker');
    expect(shown.size).toBe(0);
  });

  it('shows the newest of two answers for one key, and takes down each by itself', async () => {
    let shown = new Map<string, ChallengeAnswer>() as ReadonlyMap<string, ChallengeAnswer>;
    const board = new ServingBoard(
      (answers) => {
        shown = answers;
      },
      async () => {},
    );
    const first = await board.put('http-01:a', answer('1'), noSignal);
    const second = await board.put('http-01:a', answer('2'), noSignal);
    expect(shown.get('http-01:a')).toEqual(answer('2'));
    await second();
    expect(shown.get('http-01:a')).toEqual(answer('1'));
    await first();
    await first();
    expect(shown.size).toBe(0);
  });
});
