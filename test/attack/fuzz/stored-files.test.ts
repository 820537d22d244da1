import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RigilError } from '../../../src/errors.ts';
import { readCentauriAccount, readCentauriCertificates } from '../../../src/store/import/centauri.ts';
import { orderChain } from '../../../src/store/import/chain.ts';
import { pairPem } from '../../../src/store/import/pem-pairs.ts';
import { readTraefik } from '../../../src/store/import/traefik.ts';
import { journalFromJson, journalToJson } from '../../../src/store/journal-json.ts';
import { metaFromJson, metaToJson } from '../../../src/store/meta-json.ts';
import { readExtensions } from '../../../src/x509/extensions.ts';
import { readLeaf } from '../../../src/x509/leaf.ts';
import { splitPem, toPem } from '../../../src/x509/pem.ts';
import { runs } from '../../fuzz-runs.ts';
import { loopbackCertificate } from '../../loopback-certificate.ts';

/*
 * Files that rigil finds: its own, damaged by a crash, a full disk or a hand, and those of other programs. Each is read, or
 * refused with a code; nothing else is thrown, and nothing is believed that is not there.
 */

/** Runs `read`; what it throws must be an error of ours. */
function readOrRefuse<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(RigilError);
    return null;
  }
}

const edit = fc.record({
  at: fc.nat(),
  length: fc.nat({ max: 80 }),
  text: fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom('null', '{', '}', '[]', '"', '-----', '\n', '\0', '1e999', '__proto__'),
  ),
});

function damaged(text: string) {
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
    edits.reduce((result, { at, length, text: inserted }) => {
      const place = at % (result.length + 1);
      return result.slice(0, place) + inserted + result.slice(place + length);
    }, text),
  );
}

const facts = {
  id: 'example.test',
  issuer: 'a',
  names: ['example.test'],
  notBefore: 0,
  notAfter: 86_400_000,
  serial: '01',
  fingerprint: 'ab',
  keyType: 'p256',
  responderUrl: null,
  mustStaple: false,
  ariId: null,
  obtainedAt: 0,
  source: 'acme',
} as const;

describe('files of the store', () => {
  it('meta.json is what was written, or nothing', () => {
    const text = metaToJson({ facts, digest: 'cd' });
    expect(metaFromJson(text)).toEqual({ facts, digest: 'cd' });
    fc.assert(
      fc.property(fc.oneof(damaged(text), fc.json()), (other) => {
        const meta = metaFromJson(other);
        if (meta === null) return;
        expect(metaFromJson(metaToJson(meta))).toEqual(meta);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('a journal is what was written, or nothing', () => {
    const failure = {
      attempts: 1,
      code: 'ca-unreachable',
      message: 'm',
      hint: null,
      issuer: 'a',
      at: 0,
      retryAt: 1,
      nextIssuer: 'a',
      resting: {},
    };
    const ari = {
      ariId: 'x',
      window: { start: 0, end: 1, selected: 0, explanationUrl: null },
      nextFetchAt: 0,
      failures: 0,
    };
    const text = JSON.stringify({ id: 'example.test', failure, ari });
    expect(journalFromJson(text)?.id).toBe('example.test');
    fc.assert(
      fc.property(fc.oneof(damaged(text), fc.json()), (other) => {
        const found = journalFromJson(other);
        if (found === null) return;
        expect(journalFromJson(journalToJson(found.id, found.entry))).toEqual(found);
      }),
      { numRuns: runs(1_000) },
    );
  });
});

describe('PEM', async () => {
  const { chain: cert, key } = await loopbackCertificate();
  const both = `${cert}\n${key}`;

  it('blocks are found, or not', () => {
    fc.assert(
      fc.property(fc.oneof(damaged(both), fc.string({ maxLength: 400 })), (text) => {
        for (const { label, der, text: block } of splitPem(text)) {
          expect(toPem(label, der)).toBe(block);
          expect(splitPem(block)).toEqual([{ label, der, text: block }]);
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('a chain is read, or refused with a code', () => {
    fc.assert(
      fc.property(damaged(both), (text) => {
        readOrRefuse(() => readLeaf(text));
        readOrRefuse(() => orderChain(text, key));
        readOrRefuse(() => orderChain(cert, text));
        expect(pairPem([{ path: 'a', text }], { kind: 'unknown' }).certificates.length).toBeLessThan(2);
      }),
      { numRuns: runs(300) },
    );
  });

  it('extensions are read, or refused with a code', () => {
    const der = splitPem(cert)[0]?.der ?? Buffer.alloc(0);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (changes, end) => {
          const bytes = Buffer.from(der.subarray(0, end % 3 === 0 ? end % der.length : der.length));
          for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          readOrRefuse(() => readExtensions(bytes));
        },
      ),
      { numRuns: runs(1_000) },
    );
  });

  it('files of other programs are read, or refused with a code', () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const centauri = JSON.stringify([{ subject: 'a', certificate: cert, privatekey: key, provider: 'lego' }]);
    const account = JSON.stringify({ key, email: 'a@b', registration: { uri: 'https://ca/1' } });
    const traefik = JSON.stringify({
      le: {
        Account: {
          Email: 'a@b',
          Registration: { uri: 'https://ca/1' },
          PrivateKey: base64('x'),
          KeyType: '4096',
        },
        Certificates: [{ domain: { main: 'a' }, certificate: base64(cert), key: base64(key) }],
      },
    });
    const anything = (text: string) => fc.oneof(damaged(text), fc.json(), fc.string());
    fc.assert(
      fc.property(anything(centauri), anything(account), anything(traefik), (one, two, three) => {
        readOrRefuse(() => readCentauriCertificates(one, 'certs.json'));
        readOrRefuse(() => readCentauriAccount(two, 'user.pem'));
        readOrRefuse(() => readTraefik(three, 'acme.json'));
      }),
      { numRuns: runs(500) },
    );
  });
});
