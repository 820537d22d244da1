import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RoutingTable } from '../../src/routing/table.ts';
import { applyPatch, diff } from '../../src/snapshot/patch.ts';
import { emptySnapshot, type ServedCertificate, type Snapshot } from '../../src/snapshot/snapshot.ts';

describe('diff and applyPatch', () => {
  it('take anybody from one snapshot to the other', () => {
    fc.assert(
      fc.property(snapshots(), snapshots(), (from, to) => {
        const patch = structuredClone(diff(from, to));
        expect(comparable(applyPatch(from, patch))).toEqual(comparable(to));
      }),
    );
  });

  it('say nothing about what did not change', () => {
    const from: Snapshot = { ...emptySnapshot, certificates: new Map([['a', certificate('a', '1')]]) };
    expect(diff(from, { ...from, generation: 7 })).toEqual({ generation: 7 });
  });

  it('name only the certificate that changed', () => {
    const kept = certificate('a', '1');
    const from: Snapshot = {
      ...emptySnapshot,
      certificates: new Map([
        ['a', kept],
        ['b', certificate('b', '1')],
      ]),
    };
    const renewed = certificate('b', '2');
    const to: Snapshot = {
      ...from,
      certificates: new Map([
        ['a', kept],
        ['b', renewed],
      ]),
    };
    expect(diff(from, to).certificates).toEqual({ put: [['b', renewed]], remove: [] });
  });

  it('leave the older snapshot as it was', () => {
    const from: Snapshot = { ...emptySnapshot, certificates: new Map([['a', certificate('a', '1')]]) };
    const before = comparable(from);
    applyPatch(from, { generation: 1, certificates: { put: [], remove: ['a'] } });
    expect(comparable(from)).toEqual(before);
  });
});

function certificate(id: string, fingerprint: string): ServedCertificate {
  return { id, fingerprint, chain: `chain ${fingerprint}`, key: `key ${fingerprint}`, staple: null };
}

function snapshots(): fc.Arbitrary<Snapshot> {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const certificates = fc
    .dictionary(id, fc.constantFrom('1', '2', '3'))
    .map(
      (held) => new Map(Object.entries(held).map(([key, print]) => [key, certificate(key, print)] as const)),
    );
  const challenges = fc
    .dictionary(id, fc.string())
    .map(
      (held) => new Map(Object.entries(held).map(([key, body]) => [key, { type: 'http-01', body } as const])),
    );
  const table = fc.uniqueArray(id).map(
    (names) =>
      new RoutingTable(
        names.map((name) => ({
          label: name,
          primary: name,
          names: [name],
          certificate: name,
          upstreams: [{ scheme: 'http' as const, host: 'localhost', port: 80 }],
          errorPages: [],
          headerRules: [],
          redirectToPrimary: false,
        })),
        names.length > 2 ? 1 : null,
      ),
  );
  return fc.record({
    generation: fc.nat(),
    table,
    settings: fc.record({
      trustedProxies: fc.array(fc.ipV4()),
      httpsPort: fc.option(fc.nat(65_535)),
      accessLog: fc.constant(null),
    }),
    certificates,
    challenges,
    tailnet: fc.constantFrom(null, {
      socket: '/run/t.sock',
      addresses: ['100.64.0.1'],
      http: 'serve',
    } as const),
    down: fc.uniqueArray(id).map((keys) => new Set(keys)),
    ticketKeys: fc.uint8Array({ minLength: 48, maxLength: 48 }),
  });
}

function comparable(snapshot: Snapshot): unknown {
  const { table, ...rest } = snapshot;
  return { ...rest, routes: table.routes, fallback: table.fallbackIndex };
}
