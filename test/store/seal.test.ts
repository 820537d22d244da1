import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readSeal, Seal } from '../../src/store/seal.ts';

const SECRET = Buffer.from('a private key');

describe('a seal', () => {
  const [older, newer] = [randomBytes(32), randomBytes(32)];

  it('opens what it closed, and only at its place', () => {
    const seal = new Seal([newer]);
    const sealed = seal.close('here', SECRET);
    expect(sealed.includes(SECRET)).toBe(false);
    expect(seal.open('here', sealed)).toEqual(SECRET);
    expect(() => seal.open('there', sealed)).toThrow(expect.objectContaining({ code: 'store-damaged' }));
    expect(seal.close('here', SECRET)).not.toEqual(sealed);
  });

  it('notices every change', () => {
    const seal = new Seal([newer]);
    const sealed = seal.close('here', SECRET);
    for (let at = 4; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => seal.open('here', changed)).toThrow(/was changed|is sealed with the key/);
    }
  });

  it('opens with former keys and closes with the newest', () => {
    const both = new Seal([newer, older]);
    const old = new Seal([older]).close('here', SECRET);
    expect(both.open('here', old)).toEqual(SECRET);
    expect(both.isCurrent(old)).toBe(false);
    expect(both.isCurrent(both.close('here', SECRET))).toBe(true);
    expect(() => new Seal([newer]).open('here', old)).toThrow(
      expect.objectContaining({ code: 'store-sealed' }),
    );
    expect(() => new Seal([]).open('here', old)).toThrow(expect.objectContaining({ code: 'store-sealed' }));
  });

  it('leaves what was never sealed as it is', () => {
    expect(new Seal([newer]).open('here', SECRET)).toEqual(SECRET);
    expect(new Seal([]).close('here', SECRET)).toEqual(SECRET);
  });

  it.each([
    ['base64', (key: Buffer) => key.toString('base64')],
    ['base64url', (key: Buffer) => key.toString('base64url')],
    ['hex', (key: Buffer) => key.toString('hex')],
  ])('reads keys in %s', (_, write) => {
    const seal = readSeal({ kind: 'env', name: 'KEYS' }, { KEYS: `${write(newer)},\n ${write(older)}\n` });
    expect(seal.open('here', new Seal([older]).close('here', SECRET))).toEqual(SECRET);
    expect(seal.isCurrent(new Seal([newer]).close('here', SECRET))).toBe(true);
  });

  it.each([
    ['', 'holds no key'],
    ['hunter2', 'key 1 in the variable KEYS'],
    [`${'A'.repeat(43)}= x`, 'key 2'],
  ])('refuses %j without showing it', (KEYS, message) => {
    const read = () => readSeal({ kind: 'env', name: 'KEYS' }, { KEYS });
    expect(read).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    expect(read).toThrow(message);
    expect(read).not.toThrow(/hunter2/);
    expect(() => readSeal({ kind: 'file', path: '/nowhere/keys' }, {})).toThrow(
      '/nowhere/keys cannot be read',
    );
  });
});
