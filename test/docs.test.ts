import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generated } from '../man/generate.ts';
import { runProgram } from './e2e/daemon.ts';
import { has } from './peers.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const lines = (path: string) => read(path).trimEnd().split('\n').length;

describe('generated pages', () => {
  const pages = generated();

  it.each([...pages])('%s is what the source makes (npm run docs)', (path, text) => {
    expect(read(path)).toBe(text);
  });

  it('are all there is in man/', () => {
    const checkedIn = readdirSync(join(ROOT, 'man')).filter((file) => /\.\d$/.test(file));
    expect(checkedIn.map((file) => `man/${file}`).sort()).toEqual(
      [...pages.keys()].filter((path) => path.startsWith('man/')).sort(),
    );
  });

  it.skipIf(!has('mandoc'))('are manual pages that mandoc has nothing to say about', async () => {
    const files = [...pages.keys()].filter((path) => path.startsWith('man/')).map((path) => join(ROOT, path));
    const { stdout } = await runProgram('mandoc', ['-Tlint', '-Wwarning', ...files]);
    expect(stdout).toBe('');
  });

  it('belong to the package', () => {
    const { man } = JSON.parse(read('package.json')) as { man: string[] };
    expect(man.toSorted()).toEqual([...pages.keys()].filter((path) => path.startsWith('man/')).sort());
  });
});

describe('the commands', () => {
  const { commands } = JSON.parse(read('oclif.manifest.json')) as {
    commands: Record<string, { id: string; summary?: string; description?: string; examples?: unknown[] }>;
  };

  it.each(Object.values(commands))(
    '$id says what it does, with an example',
    ({ summary, description, examples }) => {
      expect(summary).toMatch(/^[A-Z].*\.$/);
      expect(description).toBeTruthy();
      expect(examples?.length).toBeGreaterThan(0);
    },
  );

  it('are in the README, and the README names no others', () => {
    const named = [...read('README.md').matchAll(/^\| `rigil ([a-z ]+?)(?: [A-Z…[\]]+)*` \|/gm)].map(
      (match) => match[1],
    );
    expect(named.sort()).toEqual(
      Object.keys(commands)
        .map((id) => id.replaceAll(':', ' '))
        .sort(),
    );
  });

  it('are small', () => {
    const folder = join(ROOT, 'src/commands');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const long = files.filter((file) => lines(join('src/commands', file)) > 80);
    expect(long).toEqual([]);
  });
});

describe('what is written about the house', () => {
  it('names every folder of src, and no other', () => {
    const named = [...read('docs/architecture.md').matchAll(/`src\/([\w-]+)`/g)].map(
      (match) => match[1] ?? '',
    );
    const there = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect([...new Set(named)].sort()).toEqual(there.sort());
  });

  it('is short', () => {
    expect(lines('docs/architecture.md')).toBeLessThanOrEqual(200);
    for (const file of readdirSync(join(ROOT, 'docs/decisions'))) {
      expect([file, lines(`docs/decisions/${file}`) <= 40]).toEqual([file, true]);
    }
  });

  it('links to files that exist', () => {
    for (const page of ['README.md', 'CHANGELOG.md', 'docs/architecture.md']) {
      const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
      const missing = links.filter((link) => !existsSync(join(ROOT, page, '..', link)));
      expect([page, missing]).toEqual([page, []]);
    }
  });
});
