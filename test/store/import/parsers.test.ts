import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { acmeShServer } from '../../../src/store/import/acme-sh.ts';
import { readCentauriAccount, readCentauriCertificates } from '../../../src/store/import/centauri.ts';
import { certbotServer } from '../../../src/store/import/certbot.ts';
import { orderChain } from '../../../src/store/import/chain.ts';
import { pairPem } from '../../../src/store/import/pem-pairs.ts';
import { readTraefik } from '../../../src/store/import/traefik.ts';
import { certificatesOf } from '../../../src/x509/pem.ts';
import { centauriEntry, type Made, made, traefikEntry } from './made.ts';

let one: Made;
let two: Made;
beforeAll(async () => {
  [one, two] = await Promise.all([made(['one.example.org']), made(['two.example.org'])]);
});

describe("Centauri's certs.json", () => {
  it('is a list, also an empty one', () => {
    expect(readCentauriCertificates('', 'f').certificates).toEqual([]);
    expect(readCentauriCertificates('null', 'f').certificates).toEqual([]);
    const text = JSON.stringify([
      centauriEntry(one),
      centauriEntry(two, 'selfsigned'),
      centauriEntry(one, ''),
    ]);
    expect(readCentauriCertificates(text, 'f').certificates.map(({ origin }) => origin)).toEqual([
      { kind: 'acme', directory: null },
      { kind: 'self-signed' },
      { kind: 'unknown' },
    ]);
  });

  it('has names in any case, as Go reads them', () => {
    const text = JSON.stringify([{ CERTIFICATE: one.leaf, PrivateKey: one.key }]);
    expect(readCentauriCertificates(text, 'f').certificates).toHaveLength(1);
  });

  it('may have entries that are of no use', () => {
    const { unusable } = readCentauriCertificates('[null, 7, {"subject": "x"}]', 'f');
    expect(unusable.map(({ place }) => place)).toEqual(['f entry 1', 'f entry 2', 'f entry 3 (x)']);
  });

  it.each(['{}', '[', '"text"', '\u0000'])('is not %j', (text) => {
    expect(() => readCentauriCertificates(text, 'f')).toThrow(
      expect.objectContaining({ code: 'target-unreadable' }),
    );
  });

  it('comes with an account', () => {
    const url = 'https://acme-v02.api.letsencrypt.org/acme/acct/1';
    const user = {
      email: 'me@example.org',
      key: one.key,
      registration: { uri: url, body: { status: 'valid' } },
    };
    expect(readCentauriAccount(JSON.stringify(user), 'user.pem')).toEqual({
      place: 'user.pem',
      email: 'me@example.org',
      key: one.key,
      url,
    });
    expect(readCentauriAccount(JSON.stringify({ key: one.key }), 'user.pem')).toBeNull();
  });
});

describe("Traefik's acme.json", () => {
  const account = (url: string): object => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const der = privateKey.export({ type: 'pkcs1', format: 'der' });
    return { Email: 'me@example.org', Registration: { uri: url }, PrivateKey: der.toString('base64') };
  };

  it('has resolvers, each with an account', () => {
    const text = JSON.stringify({
      le: {
        Account: account('https://ca.example/acct/1'),
        Certificates: [traefikEntry(one, 'one.example.org')],
      },
      unused: { Account: null, Certificates: null },
    });
    const { certificates, accounts } = readTraefik(text, 'acme.json');
    expect(certificates).toMatchObject([{ place: 'acme.json le (one.example.org)', key: one.key }]);
    expect(accounts).toMatchObject([{ url: 'https://ca.example/acct/1', email: 'me@example.org' }]);
    expect(createPrivateKey(accounts[0]?.key ?? '').asymmetricKeyType).toBe('rsa');
  });

  it('had one at the top in former versions', () => {
    const text = JSON.stringify({
      Account: account('https://ca.example/acct/1'),
      Certificates: [{ ...traefikEntry(two, ''), Domain: { Main: 'two.example.org' } }],
    });
    expect(readTraefik(text, 'acme.json').accounts).toHaveLength(1);
    expect(readTraefik(text, 'acme.json').certificates).toHaveLength(1);
  });

  it('is not just any JSON', () => {
    expect(() => readTraefik('{"a": {"b": 1}}', 'f')).toThrow(
      expect.objectContaining({ code: 'target-unreadable' }),
    );
    expect(readTraefik('{"le": {"Certificates": [{"certificate": "!"}]}}', 'f').unusable).toHaveLength(1);
  });
});

describe('the configurations beside certificates', () => {
  it('name the directory (certbot)', () => {
    const conf = `# renew_before_expiry = 30 days
version = 2.9.0
archive_dir = /etc/letsencrypt/archive/one.example.org
[renewalparams]
authenticator = webroot
server = https://acme-v02.api.letsencrypt.org/directory
`;
    expect(certbotServer(conf)).toBe('https://acme-v02.api.letsencrypt.org/directory');
    expect(certbotServer('# server = x\n')).toBeNull();
  });

  it('name the directory (acme.sh)', () => {
    const encoded = Buffer.from('https://ca.example/dir').toString('base64');
    expect(acmeShServer("Le_Domain='x'\nLe_API='https://ca.example/dir'\n")).toBe('https://ca.example/dir');
    expect(acmeShServer(`Le_API='__ACME_BASE64__START_${encoded}__ACME_BASE64__END_'`)).toBe(
      'https://ca.example/dir',
    );
    expect(acmeShServer("Le_API='letsencrypt'")).toBe('https://acme-v02.api.letsencrypt.org/directory');
    expect(acmeShServer("Le_Domain='x'")).toBeNull();
  });
});

describe('PEM files', () => {
  const origin = { kind: 'unknown' } as const;

  it('are paired by key, and the longest chain counts', () => {
    const { certificates, unusable } = pairPem(
      [
        { path: 'a', text: one.leaf },
        { path: 'b', text: one.leaf + one.root },
        { path: 'c', text: two.key },
        { path: 'd', text: one.key },
        { path: 'e', text: two.leaf },
        { path: 'ca', text: one.root },
      ],
      origin,
    );
    expect(certificates.map(({ place, key }) => [place, key])).toEqual([
      ['b', one.key],
      ['e', two.key],
    ]);
    expect(unusable).toEqual([]);
  });

  it('say what they lack', () => {
    const encrypted = createPrivateKey(one.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
    const { certificates, unusable } = pairPem(
      [
        { path: 'leaf', text: one.leaf },
        { path: 'key', text: encrypted },
      ],
      origin,
    );
    expect(certificates).toEqual([]);
    expect(unusable.map(({ place }) => place).sort()).toEqual(['key', 'leaf']);
  });
});

describe('orderChain', () => {
  it('puts the leaf first and leaves root and strangers out', () => {
    const { chain, selfSigned } = orderChain(one.root + two.leaf + one.leaf, one.key);
    expect(certificatesOf(chain).map(({ text }) => text)).toEqual(
      certificatesOf(one.leaf).map(({ text }) => text),
    );
    expect(selfSigned).toBe(false);
  });

  it('makes PKCS#8 of older keys', () => {
    const sec1 = createPrivateKey(one.key).export({ type: 'sec1', format: 'pem' }).toString();
    expect(orderChain(one.leaf, sec1).key).toBe(one.key);
  });

  it.each([
    ['a key of another certificate', () => [one.leaf, two.key]],
    ['no certificate', () => ['', one.key]],
    ['no key', () => [one.leaf, 'nonsense']],
    [
      'a damaged certificate',
      () => ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', one.key],
    ],
  ])('refuses %s', (_, parts) => {
    const [chain = '', key = ''] = parts();
    expect(() => orderChain(chain, key)).toThrow(expect.objectContaining({ code: 'certificate-unusable' }));
  });
});
