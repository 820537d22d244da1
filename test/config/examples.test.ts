import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

it('the example is valid and lacks only its secrets and its files', async () => {
  const file = fileURLToPath(new URL('../../examples/rigil.conf', import.meta.url));
  const { config, diagnostics } = await loadConfig({ file, env: {}, mode: 'check' });
  expect(config?.routes.length).toBe(7);
  expect([...new Set(diagnostics.map(({ code }) => code))]).toEqual(['variable-unset', 'unreadable-file']);
});
