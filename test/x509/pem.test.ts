import { describe, expect, it } from 'vitest';
import { certificatesOf, splitPem, toPem } from '../../src/x509/pem.ts';

describe('splitPem', () => {
  const one = toPem('CERTIFICATE', Buffer.alloc(100, 1));
  const key = toPem('PRIVATE KEY', Buffer.alloc(10, 2));

  it('finds every block, whatever stands around', () => {
    const blocks = splitPem(`subject=/CN=x\r\n${one.replaceAll('\n', '\r\n')}\n${key}trailing`);
    expect(blocks.map(({ label }) => label)).toEqual(['CERTIFICATE', 'PRIVATE KEY']);
    expect(blocks[0]?.der).toEqual(Buffer.alloc(100, 1));
    expect(blocks[0]?.text).toBe(one);
  });

  it('gives certificates alone', () => {
    expect(certificatesOf(`${key}${one}`).map(({ label }) => label)).toEqual(['CERTIFICATE']);
  });

  it('finds nothing in a text without an end', () => {
    expect(splitPem('-----BEGIN CERTIFICATE-----\nAAAA')).toEqual([]);
  });

  it('writes lines of 64 characters', () => {
    expect(one.split('\n').every((line) => line.length <= 64)).toBe(true);
  });
});
