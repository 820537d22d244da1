import { expect, it } from 'vitest';
import { journalFromJson, journalToJson } from '../../src/store/journal-json.ts';

const failure = {
  attempts: 1,
  code: 'ca-unreachable',
  message: 'm',
  hint: null,
  issuer: 'a',
  at: 0,
  retryAt: 12,
  nextIssuer: 'a',
  resting: { a: 34 },
} as const;
const text = journalToJson('example.test', { failure, ari: null });

it('a journal is read as it was written', () => {
  expect(journalFromJson(text)).toEqual({ id: 'example.test', entry: { failure, ari: null } });
});

it.each(['12', '34'])(
  'one with a time that never comes is damaged: it would keep a certificate waiting for ever',
  (time) => {
    expect(journalFromJson(text.replace(time, '1e999'))).toBeNull();
  },
);
