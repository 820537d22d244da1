import { describe, expect, it } from 'vitest';
import { answerWord, redisFailure } from '../../../src/store/redis/failure.ts';

/** What the library throws for an answer of Redis. */
function answer(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

describe('what Redis answers', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", 'OOM', 'store-unwritable'],
    [
      "ERR Error running script (call to f_0a1b): @user_script:4: @user_script: 4: -OOM command not allowed when used memory > 'maxmemory'.",
      'OOM',
      'store-unwritable',
    ],
    [
      "ERR Error running script (call to f_0a1b): @user_script:3: -READONLY You can't write against a read only replica.",
      'READONLY',
      'store-unwritable',
    ],
    ['BUSY Redis is busy running a script.', 'BUSY', 'store-unreachable'],
    ['LOADING Redis is loading the dataset in memory', 'LOADING', 'store-unreachable'],
    ['ERR max number of clients reached', 'ERR', 'store-unreachable'],
    ['ERR unknown command', 'ERR', 'store-unreadable'],
    // Names of certificates may be anything.
    ['WRONGTYPE of @user_script:3: -OOM x', 'WRONGTYPE', 'store-unreadable'],
  ])('%s', (message, word, code) => {
    expect(answerWord(answer(message))).toBe(word);
    expect(redisFailure('redis://there', answer(message))).toMatchObject({ code });
  });

  it('is looked for in what the last node of a cluster said', () => {
    const failed = Object.assign(new Error('Failed to refresh slots cache.'), {
      lastNodeError: answer('WRONGPASS invalid username-password pair'),
    });
    expect(redisFailure('redis+cluster://there', failed)).toMatchObject({
      code: 'store-unreadable',
      hint: expect.stringContaining('password'),
    });
  });
});
