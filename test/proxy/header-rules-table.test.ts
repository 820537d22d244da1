import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutting } from '../../src/proxy/codec/field-kind.ts';
import { ResponseParser } from '../../src/proxy/codec/http1/response-parser.ts';
import { applyHeaderRules, applyHeaderRulesTo } from '../../src/proxy/header-rules.ts';
import { endToEnd } from '../../src/proxy/hop-by-hop.ts';
import { TableHead } from '../../src/proxy/table-head.ts';
import type { HeaderRule } from '../../src/routing/route.ts';

const NAMES = [
  'Server',
  'X-A',
  'X-B',
  'Content-Type',
  'Date',
  'Set-Cookie',
  'Content-Length',
  'Keep-Alive',
  'TE',
];
const name = fc
  .constantFrom(...NAMES, 'Content_Type', 'Bad Name', '')
  .chain((text) => fc.constantFrom(text, text.toLowerCase(), text.toUpperCase()));
const value = fc.constantFrom('', 'a', 'b c', 'é', 'x\r\ny');
const rule: fc.Arbitrary<HeaderRule> = fc.oneof(
  fc.record({ action: fc.constantFrom('add', 'replace', 'default'), name, value }),
  fc.record({ action: fc.constant('delete'), name }),
);
const field = fc.tuple(
  fc.constantFrom(...NAMES.filter((text) => text !== 'Content-Length'), 'Content_Type', 'X_A'),
  fc.constantFrom('', 'a', 'b'),
);

it('header rules do to lines in a table what they do to strings', () => {
  fc.assert(
    fc.property(
      fc.array(field, { maxLength: 8 }),
      fc.array(rule, { maxLength: 6 }),
      fc.constantFrom([], ['Date', 'now'], ['X-A', '']),
      (fields, rules, added) => {
        const lines = fields.map(([key, text]) => `${key}: ${text}\r\n`).join('');
        const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${lines}\r\n`, 'latin1');
        const parser = new ResponseParser();
        expect(parser.parse(bytes, 0, bytes.length)).toBe('done');
        const general = [...endToEnd(parser.fields.toRawHeaders(cutting())), ...added];
        const expected = applyHeaderRules(general, rules);
        const left = applyHeaderRulesTo(parser.fields, added, rules);
        expect(new TableHead(200, parser.fields, left).headers).toEqual(expected);
      },
    ),
    { numRuns: 2_000 },
  );
});
