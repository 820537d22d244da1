import { expect, it } from 'vitest';
import { parseAuthority } from '../../src/proxy/authority.ts';

it('takes a host of 255 characters with a port, and nothing that is longer', () => {
  const host = `${'a'.repeat(50)}.`.repeat(5);
  expect(host).toHaveLength(255);
  expect(parseAuthority(`${host}:65535`)).toMatchObject({ host, port: '65535' });
  expect(parseAuthority(`a${host}`)).toBeNull();
});

it('keeps nothing of what is too long to be a host', () => {
  global.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 900; n++) expect(parseAuthority(`${n}${'a'.repeat(100_000)}`)).toBeNull();
  global.gc?.();
  // 90 MB were offered.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(45_000_000);
});
