import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/absent-peers.ts'],
    // Of `npm run attack:fuzz`.
    setupFiles: process.env['RIGIL_FUZZ_SECONDS'] === undefined ? [] : ['test/fuzz-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // The end-to-end tests start real programs; two at a time is what a two-core machine carries.
    maxWorkers: 2,
  },
});
