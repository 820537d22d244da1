// Writes the manual pages and docs/directives.md from the commands and the table of directives: `npm run docs`.
// test/docs.test.ts fails when what is checked in is not what this makes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandPages, type Manifest } from './command-pages.ts';
import { directivePages } from './directive-pages.ts';

const ROOT = join(import.meta.dirname, '..');

/** Every generated file, by its path in the project. */
export function generated(): ReadonlyMap<string, string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as Manifest;
  return new Map([...commandPages(manifest), ...directivePages(manifest.version)]);
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of generated()) writeFileSync(join(ROOT, path), text);
}
