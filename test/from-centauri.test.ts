import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** docs/from-centauri.md names tests as proof: they have to exist, under these very names. */
it('the tests that docs/from-centauri.md names exist', () => {
  const page = readFileSync(join(ROOT, 'docs/from-centauri.md'), 'utf8');
  const table = page.slice(page.indexOf('## What was wrong'));
  const proofs = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .flatMap((line) => [...(line.split('|')[3] ?? '').matchAll(/"([^"]+)"/g)])
    .flatMap(([, title = '']) => title.split('…').map((part) => part.trim()))
    .filter((part) => part !== '');
  const tests = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(\.test|conformance)\.ts$/.test(file))
    .map((file) => readFileSync(join(ROOT, 'test', file), 'utf8'))
    .join('\n');
  expect(proofs.length).toBeGreaterThan(30);
  expect(proofs.filter((title) => !tests.includes(title))).toEqual([]);
});
