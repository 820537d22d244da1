import { describe, expect, it } from 'vitest';
import { rigil } from '../e2e/daemon.ts';

/** Prints at the end which packages were loaded; all that matter here are CommonJS and so in this cache. */
const SPY = `
import { createRequire } from 'node:module';
const { cache } = createRequire('file:///');
process.on('exit', () => {
  const packages = Object.keys(cache).map((file) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1]);
  process.stderr.write('\\nloaded: ' + [...new Set(packages)].join(' '));
});`;

describe('what a command does not need is not loaded', () => {
  it.each([
    ['--help', ['--help']],
    ['--version', ['--version']],
    ['config check', ['config', 'check', '-c', '-']],
    ['certs --help', ['certs', '--help']],
  ])('%s loads no ACME, no X.509, no spinner', async (_, args) => {
    const spy = `data:text/javascript,${encodeURIComponent(SPY)}`;
    const { stderr, code } = await rigil(args, { input: '', env: { NODE_OPTIONS: `--import ${spy}` } });
    const loaded = stderr.split('loaded: ').at(-1)?.split(' ') ?? [];
    expect(code).toBe(0);
    expect(loaded).toContain('@oclif/core');
    expect(loaded.filter((name) => /^(acme-client|axios|node-forge|@peculiar\/.*|ora)$/.test(name))).toEqual(
      [],
    );
  });
});
