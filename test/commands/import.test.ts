import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImportReport } from '../../src/app/import-certificates.ts';
import type { CertificateDetails } from '../../src/app/show-certificate.ts';
import { runProgram } from '../e2e/daemon.ts';
import { centauriEntry, type Made, made, traefikEntry } from '../store/import/made.ts';
import { type Workplace, workplace } from './workplace.ts';

const PRODUCTION = 'https://acme-v02.api.letsencrypt.org/directory';
const CONFIG = `route one.example.org www.one.example.org
  upstream localhost:1
route two.example.org
  upstream localhost:1
`;

describe('certs import', () => {
  let place: Workplace;
  let one: Made;
  let two: Made;
  beforeAll(async () => {
    [one, two] = await Promise.all([
      made(['one.example.org', 'www.one.example.org']),
      made(['two.example.org']),
    ]);
  });
  beforeEach(async () => {
    place = await workplace(CONFIG);
  });
  afterEach(() => place[Symbol.dispose]());

  it('takes certificates and the account of Centauri over, so that nothing is ordered', async () => {
    const stranger = await made(['stranger.example.org']);
    write('c/certs.json', JSON.stringify([centauriEntry(two), centauriEntry(one), centauriEntry(stranger)]));
    const url = 'https://acme-v02.api.letsencrypt.org/acme/acct/1';
    write('c/user.pem', JSON.stringify({ email: '', key: one.key, registration: { uri: url } }));
    const before = fingerprintOf(join(place.folder, 'c'));

    const { code, value } = await importFrom('c/certs.json');
    expect(code).toBe(0);
    expect(value.from).toBe('centauri');
    expect(ids(value)).toEqual(['one.example.org', 'two.example.org']);
    expect(value.skipped).toMatchObject([{ names: ['stranger.example.org'], reason: 'no route wants it' }]);
    expect(value.accounts).toMatchObject([{ issuer: 'letsencrypt', url }]);
    expect(fingerprintOf(join(place.folder, 'c'))).toBe(before);

    const details = await show('one.example.org');
    expect(details).toMatchObject({
      status: 'valid',
      issuer: 'letsencrypt',
      source: 'centauri',
      lastError: null,
    });
    expect(readFileSync(join(details.directory ?? '', 'fullchain.pem'), 'utf8')).toBe(one.leaf);
    expect((await place.json('certs', 'renew', '--dry-run')).value).toEqual({ planned: [] });
  });

  it('skips what the store has already', async () => {
    write('c/certs.json', JSON.stringify([centauriEntry(two)]));
    await importFrom('c');
    const { code, value } = await importFrom('c');
    expect(code).toBe(0);
    expect(value.skipped).toMatchObject([{ reason: 'the store has it already' }]);
    expect((await show('two.example.org')).history).toHaveLength(1);
  });

  it('never replaces a newer one, and takes the newest of several', async () => {
    const older = await made(['two.example.org'], Date.now() - 86_400_000);
    write('c/certs.json', JSON.stringify([centauriEntry(older), centauriEntry(two)]));
    const first = await importFrom('c');
    expect(first.value.imported).toHaveLength(1);
    expect(first.value.skipped).toMatchObject([{ reason: 'a newer one was taken' }]);
    write('c/certs.json', JSON.stringify([centauriEntry(older)]));
    const { value } = await importFrom('c');
    expect(value.skipped[0]?.reason).toMatch(/^the store has one until /);
  });

  it('stores nothing with --dry-run', async () => {
    write('c/certs.json', JSON.stringify([centauriEntry(two)]));
    const { value } = await importFrom('c', '--dry-run');
    expect(ids(value)).toEqual(['two.example.org']);
    expect(readdirSync(place.folder).sort()).toEqual(['c', 'rigil.conf']);
  });

  it("follows certbot's links, and goes by the server that it used", async () => {
    certbot('one.example.org', one, PRODUCTION);
    certbot('two.example.org', two, 'https://acme-staging-v02.api.letsencrypt.org/directory');
    const { value } = await importFrom('letsencrypt');
    expect([value.from, ids(value)]).toEqual(['certbot', ['one.example.org']]);
    expect(value.skipped[0]?.reason).toContain('acme-staging-v02');
  });

  it('takes over from acme.sh', async () => {
    write('acme/account.conf', "ACCOUNT_EMAIL='me@example.org'\n");
    write(
      'acme/two.example.org_ecc/two.example.org.conf',
      `Le_Domain='two.example.org'\nLe_API='${PRODUCTION}'\n`,
    );
    write('acme/two.example.org_ecc/two.example.org.key', two.key);
    write('acme/two.example.org_ecc/two.example.org.cer', two.leaf);
    write('acme/two.example.org_ecc/fullchain.cer', two.leaf + two.root);
    write('acme/two.example.org_ecc/ca.cer', two.root);
    const { code, value } = await importFrom('acme');
    expect([code, value.from, ids(value), value.failed]).toEqual([0, 'acme.sh', ['two.example.org'], []]);
  });

  it('takes over from Traefik', async () => {
    const acme = { le: { Account: null, Certificates: [traefikEntry(two, 'two.example.org')] } };
    write('acme.json', JSON.stringify(acme));
    const { code, value } = await importFrom('acme.json');
    expect([code, value.from, ids(value)]).toEqual([0, 'traefik', ['two.example.org']]);
  });

  it('takes PEM files, with the key beside them', async () => {
    write('pem/site.crt', two.root + two.leaf);
    write('pem/site.key', two.key);
    const { code, value } = await importFrom('pem/site.crt');
    expect([code, value.from, ids(value)]).toEqual([0, 'pem', ['two.example.org']]);
  });

  it('says why something cannot be used, and takes the rest', async () => {
    const expired = await made(['one.example.org', 'www.one.example.org'], Date.now() - 30 * 86_400_000);
    const partly = await made(['one.example.org']);
    const entries = [
      centauriEntry(two),
      centauriEntry(expired),
      centauriEntry(partly),
      centauriEntry({ ...one, key: two.key }),
      null,
    ];
    write('c/certs.json', JSON.stringify(entries));
    const { code, value } = await importFrom('c');
    expect(code).toBe(3);
    expect(ids(value)).toEqual(['two.example.org']);
    expect(value.skipped.map(({ reason }) => reason).sort()).toEqual([
      expect.stringMatching(/^it has expired on /),
      expect.stringMatching(/^its names are one\.example\.org, but the configuration wants/),
    ]);
    expect(value.failed).toHaveLength(2);
    const text = await place.run('certs', 'import', join(place.folder, 'c'));
    expect(text.stdout).toMatch(/took 0, skipped 3, failed 2\n$/);
    expect(text.stdout).not.toContain('PRIVATE');
  });

  it.each([
    ['nowhere', () => {}],
    ['garbage', (path: string) => writeFileSync(path, Buffer.from([0, 255, 254, 1]))],
    ['empty', (path: string) => mkdirSync(path)],
    ['cut.json', (path: string) => writeFileSync(path, '[{"certificate": "---')],
    ['loop', (path: string) => symlinkSync(path, path)],
    ['device', (path: string) => symlinkSync('/dev/zero', path)],
  ])('refuses %s with a clear error', async (name, make) => {
    const path = join(place.folder, name);
    make(path);
    const { code, value, stderr } = await importFrom(name);
    expect([code, value]).toMatchObject([1, { error: { code: 'target-unreadable' } }]);
    expect(stderr).toContain(name);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('does not wait for a pipe in a folder', async () => {
    write('pem/all.pem', two.leaf + two.key);
    await runProgram('mkfifo', [join(place.folder, 'pem/pipe')]);
    const { value } = await importFrom('pem');
    expect(ids(value)).toEqual(['two.example.org']);
  });

  function write(path: string, text: string): void {
    const file = join(place.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** A lineage as certbot lays it out: links in `live` to numbered files in `archive`. */
  function certbot(name: string, { leaf, root, key }: Made, server: string): void {
    write(`letsencrypt/renewal/${name}.conf`, `[renewalparams]\nserver = ${server}\n`);
    const files = { cert: leaf, chain: root, fullchain: leaf + root, privkey: key };
    mkdirSync(join(place.folder, 'letsencrypt/live', name), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      write(`letsencrypt/archive/${name}/${file}1.pem`, text);
      const link = join(place.folder, 'letsencrypt/live', name, `${file}.pem`);
      symlinkSync(`../../archive/${name}/${file}1.pem`, link);
    }
  }

  function importFrom(path: string, ...flags: string[]) {
    return place.json<ImportReport>('certs', 'import', join(place.folder, path), ...flags);
  }

  async function show(name: string): Promise<CertificateDetails> {
    return (await place.json<CertificateDetails>('certs', 'show', name)).value;
  }
});

function ids({ imported }: ImportReport): string[] {
  return imported.map(({ id }) => id).sort();
}

function fingerprintOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}
