import { randomBytes, randomInt } from 'node:crypto';

/** Where chance comes from: jitter, the moment inside a renewal window, keys of session tickets. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** `size` bytes fit for secrets. */
  bytes(size: number): Buffer;
}

const STEPS = 2 ** 47;

export const systemRandom: Random = {
  fraction: () => randomInt(STEPS) / STEPS,
  bytes: (size) => randomBytes(size),
};
