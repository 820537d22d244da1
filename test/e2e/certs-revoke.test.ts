import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Revocation } from '../../src/app/revoke-certificate.ts';
import type { CertificateDetails } from '../../src/app/show-certificate.ts';
import { type Workplace, workplace } from '../commands/workplace.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';

const [programs] = pebbles();

describe.skipIf(programs === undefined)('certs revoke', () => {
  let pebble: Pebble;
  let place: Workplace;
  beforeAll(async () => {
    if (programs === undefined) return;
    pebble = await startPebble(programs);
    place = await workplace(
      `issuer pebble
  directory ${pebble.directory}
  ca-root ${pebble.caRoot}
issuer internal
  type internal
route one.test
  provider pebble
  upstream localhost:1
route local.test
  provider internal
  upstream localhost:1
`,
      { http: pebble.httpPort, https: pebble.tlsPort },
    );
    await place.run('certs', 'obtain');
  });
  afterAll(async () => {
    place?.[Symbol.dispose]();
    await pebble?.stop();
  });

  it('revokes at the CA and puts a certificate with a new key in its place', async () => {
    const before = await details('one.test');
    const { code, value } = await place.json<Revocation>(
      ...['certs', 'revoke', 'one.test', '--reason', 'superseded'],
    );
    expect(code).toBe(0);
    expect(value).toMatchObject({
      revoked: { id: 'one.test', issuer: 'pebble', serial: before.serial, reason: 'superseded' },
      replacement: { renewed: [{ id: 'one.test' }], failed: [] },
    });
    expect(await statusAtCa(before)).toMatchObject({ Status: 'Revoked', Reason: 4 });
    const after = await details('one.test');
    expect(after.serial).not.toBe(before.serial);
    expect(await statusAtCa(after)).toMatchObject({ Status: 'Valid' });
  });

  it('revokes without a replacement, and says that it stays in use', async () => {
    const before = await details('one.test');
    const { code, stderr } = await place.run(
      ...['certs', 'revoke', 'one.test', '--reason', 'keyCompromise', '--no-replace'],
    );
    expect(code).toBe(0);
    expect(stderr).toContain('stays in use');
    expect(await statusAtCa(before)).toMatchObject({ Status: 'Revoked', Reason: 1 });
    expect((await details('one.test')).serial).toBe(before.serial);
  });

  it('says that a local CA cannot, and what can be done', async () => {
    const { code, value } = await place.json('certs', 'revoke', 'local.test');
    expect([code, value]).toMatchObject([
      3,
      { error: { code: 'revocation-refused', hint: expect.stringContaining('renew --force local.test') } },
    ]);
  });

  it('refuses a reason that RFC 5280 does not have, and a name that nobody has', async () => {
    expect((await place.run('certs', 'revoke', 'one.test', '--reason', 'whim')).code).toBe(2);
    const { code, value } = await place.json('certs', 'revoke', 'nowhere.test');
    expect([code, value]).toMatchObject([1, { error: { code: 'name-unknown' } }]);
  });

  async function details(name: string): Promise<CertificateDetails> {
    return (await place.json<CertificateDetails>('certs', 'show', name)).value;
  }

  async function statusAtCa({ serial }: CertificateDetails): Promise<unknown> {
    return JSON.parse((await pebble.manage(`/cert-status-by-serial/${serial?.toLowerCase()}`)).body);
  }
});
