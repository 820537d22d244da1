import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/config/fault.ts';
import { formatUpstream, parseUpstream } from '../../src/config/values/upstream.ts';

const read = (text: string) => parseUpstream(text, '/etc/rigil');

describe('an upstream', () => {
  it.each(['app:8080', 'https://app:443', 'h2c://app:50051', 'h2c://[::1]:80', 'unix:/run/app.sock'])(
    '%s is shown as it is written',
    (text) => {
      const upstream = read(text);
      if (upstream instanceof Fault) throw new Error(upstream.message);
      expect(formatUpstream(upstream)).toBe(text);
    },
  );

  it.each([
    ['a path', 'h2c://app/api', 'invalid-upstream', 'a path cannot be put before that of the request'],
    ['no host', 'h2c://', 'invalid-upstream', 'write it like'],
    ["nginx's scheme", 'grpc://app:50051', 'unusable-upstream', 'did you mean "h2c://app:50051"?'],
    ["nginx's scheme with TLS", 'GRPCS://app', 'unusable-upstream', 'did you mean "https://app"?'],
  ])('%s: %s', (_, text, code, hint) => {
    const fault = read(text);
    expect(fault).toMatchObject({ code });
    expect((fault as Fault).hint).toContain(hint);
  });
});
