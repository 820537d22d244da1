import { httpKey } from '../../challenges/answer-key.ts';
import type { Board } from '../../challenges/board.ts';
import type { Solver } from './solver.ts';

/** Answers at `http://NAME/.well-known/acme-challenge/TOKEN` (RFC 8555 8.3). Not for wildcards. */
export function http01(board: Board): Solver {
  return {
    type: 'http-01',
    fits: (name) => !name.startsWith('*.'),
    present: ({ token, keyAuthorization }, signal) =>
      board.put(httpKey(token), { type: 'http-01', body: keyAuthorization }, signal),
  };
}
