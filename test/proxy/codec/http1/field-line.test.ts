import { describe, expect, it } from 'vitest';
import { fieldLine } from '../../../../src/proxy/codec/http1/field-line.ts';

describe('a line to be added', () => {
  it('is a line', () => expect(fieldLine('X-A', 'b c')).toBe('X-A: b c\r\n'));

  it.each([
    ['', 'x'],
    ['a b', 'x'],
    ['a:', 'x'],
    ['a\r\nb', 'x'],
    ['a', 'x\r\ny: z'],
    ['a', 'x\ny'],
    ['a', 'x\0'],
    ['a', '\u0100'],
    ['\u0141', 'x'],
  ])('is none: %j: %j', (name, value) => expect(fieldLine(name, value)).toBe(null));
});
