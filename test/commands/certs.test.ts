import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateList } from '../../src/app/list-certificates.ts';
import type { RunResult } from '../../src/app/renew-certificates.ts';
import type { CertificateDetails } from '../../src/app/show-certificate.ts';
import { type Workplace, workplace } from './workplace.ts';

const TWO_ROUTES = `route one.test www.one.test
  upstream localhost:1
route two.test
  upstream localhost:1
`;

/** A route that no issuer can serve: a CA at a port where nobody listens. */
const UNREACHABLE = `issuer internal
  type internal
issuer away
  directory https://127.0.0.1:1/dir
route away.test
  provider away
  upstream localhost:1
`;

describe('the certs commands over a local CA', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await workplace(TWO_ROUTES);
  });
  afterAll(() => place[Symbol.dispose]());

  it('list what is missing, and leave no trace', async () => {
    const { code, value } = await place.json<CertificateList>('certs', 'list');
    expect(code).toBe(0);
    expect(value.certificates).toHaveLength(2);
    expect(value.certificates[0]).toEqual({
      id: 'one.test',
      names: ['one.test', 'www.one.test'],
      issuer: 'internal',
      status: 'missing',
      notBefore: null,
      notAfter: null,
      serial: null,
      keyType: null,
      renewAt: expect.any(String),
      renewReason: 'there is no certificate yet',
      ari: null,
      ocsp: null,
      lastError: null,
    });
    expect(existsSync(place.store)).toBe(false);
  });

  it('plan without touching anything', async () => {
    const { code, value, stderr } = await place.json('certs', 'renew', '--dry-run');
    expect([code, stderr]).toEqual([0, '']);
    expect(value).toEqual({
      planned: ['one.test', 'two.test'].map((id) => ({
        id,
        action: 'obtain',
        at: expect.any(String),
        reason: 'there is no certificate yet',
      })),
    });
    expect(existsSync(place.store)).toBe(false);
  });

  it('obtain the named one only, by any of its names', async () => {
    const { code, value } = await place.json<RunResult>('certs', 'obtain', 'WWW.one.test');
    expect(code).toBe(0);
    expect(value).toEqual({
      renewed: [{ id: 'one.test', notAfter: expect.any(String), durationMs: expect.any(Number) }],
      failed: [],
      skipped: [],
    });
  });

  it('obtain what is missing, and skip what is there', async () => {
    const { value, stderr } = await place.json<RunResult>('certs', 'obtain');
    expect(value.renewed.map(({ id }) => id)).toEqual(['two.test']);
    expect(value.skipped.map(({ id }) => id)).toEqual(['one.test']);
    expect(stderr).toContain('obtaining two.test from internal');
  });

  it('say nothing from cron when nothing is due', async () => {
    const { code, stdout, stderr } = await place.run('certs', 'renew', '--quiet');
    expect([code, stdout, stderr]).toEqual([0, '', '']);
    const detailed = await place.run('certs', 'renew', '--quiet', '--detailed-exit-code');
    expect(detailed.code).toBe(0);
  });

  it('renew one that is not due when it is forced, and say so', async () => {
    const before = await serialOf('two.test');
    const { code, stdout, stderr } = await place.run(
      ...['certs', 'renew', '--force', 'two.test', '--quiet', '--detailed-exit-code'],
    );
    expect(code).toBe(10);
    expect(stdout).toMatch(/two\.test +valid until \d{4}-\d\d-\d\d/);
    expect(stderr).toBe('');
    expect(await serialOf('two.test')).not.toBe(before);
  });

  it('refuse to force everything', async () => {
    const { code, stderr } = await place.run('certs', 'renew', '--force');
    expect(code).toBe(2);
    expect(stderr).toContain('--force needs the names');
  });

  it('name what they do not know', async () => {
    for (const command of ['obtain', 'renew', 'show']) {
      const { code, value } = await place.json('certs', command, 'nowhere.test');
      expect([code, value]).toMatchObject([1, { error: { code: 'name-unknown' } }]);
    }
  });

  it('show one in full, with its history and without its key', async () => {
    const { code, value, stdout } = await place.json<CertificateDetails>('certs', 'show', 'two.test');
    expect(code).toBe(0);
    expect(value).toMatchObject({ id: 'two.test', status: 'valid', keyType: 'p256', source: 'rigil' });
    expect(value.chain[0]?.subject).toBe('CN=two.test');
    expect(value.history.map(({ generation, inForce }) => [generation, inForce])).toEqual([
      ['000002', true],
      ['000001', false],
    ]);
    expect(stdout).not.toContain('PRIVATE');
    const key = readFileSync(join(value.directory ?? '', 'privkey.pem'), 'utf8');
    expect(key).toContain('PRIVATE KEY');
    const text = await place.run('certs', 'show', 'two.test');
    expect(text.stdout).toContain(value.serial);
    expect(text.stdout).toContain('000002*');
  });

  it('are for people, too', async () => {
    const { stdout } = await place.run('certs', 'list');
    expect(stdout.split('\n')[0]).toMatch(/^NAME +ISSUER +STATUS +TIME LEFT +RENEWAL$/);
    expect(stdout).toMatch(/one\.test \+1 +internal +valid +█+░* 6 d \d+ h +in 3 d/);
  });

  it('let ocsp inspect find it', async () => {
    const { code, value } = await place.json('ocsp', 'inspect', '--stored', 'two.test');
    expect([code, value]).toMatchObject([0, { target: 'two.test', staple: { present: false } }]);
  });

  it('list what no route wants any more', async () => {
    using other = await workplace(`route one.test\n  upstream localhost:1\n`);
    await other.run('certs', 'obtain');
    other.configure('route three.test\n  upstream localhost:1\n');
    const { value } = await other.json<CertificateList>('certs', 'list');
    expect(value.certificates.map(({ id, renewReason }) => [id, renewReason])).toEqual([
      ['three.test', 'there is no certificate yet'],
      ['one.test', 'no route wants it'],
    ]);
    expect((await other.json('certs', 'show', 'one.test')).value).toMatchObject({ wantedIssuers: [] });
  });

  it('look without the secrets that only the daemon has', async () => {
    using place = await workplace(`issuer acme
  challenge dns-01 cloudflare token=\${RIGIL_TEST_UNSET}
route one.example.org
  upstream localhost:1
`);
    for (const command of [['list'], ['show', 'one.example.org'], ['renew', '--dry-run']]) {
      expect(await place.run('certs', ...command)).toMatchObject({ code: 0, stderr: '' });
    }
    const { code, stderr } = await place.run('certs', 'renew');
    expect(code).toBe(1);
    expect(stderr).toContain('RIGIL_TEST_UNSET');
  });

  it('show every problem of an invalid configuration, and do nothing', async () => {
    using bad = await workplace('route one.test\n  upsteam x\n');
    for (const command of ['list', 'obtain', 'renew']) {
      const { code, stdout, stderr } = await bad.run('certs', command, '--json');
      expect([command, code]).toEqual([command, 1]);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'config-invalid' } });
      expect(stderr).toContain('rigil.conf:7:3');
    }
  });

  async function serialOf(name: string): Promise<string | null> {
    return (await place.json<CertificateDetails>('certs', 'show', name)).value.serial;
  }
});

describe('the certs commands when a CA is away', () => {
  it('end with 3 when the others are fine, with 1 when none is, and keep to the pause', async () => {
    using place = await workplace(
      `${UNREACHABLE}${TWO_ROUTES.replaceAll('upstream', 'provider internal\n  upstream')}`,
    );
    const first = await place.json<RunResult>('certs', 'renew');
    expect(first.code).toBe(3);
    expect(first.value.renewed.map(({ id }) => id).sort()).toEqual(['one.test', 'two.test']);
    expect(first.value.failed).toMatchObject([{ id: 'away.test', code: 'issuer-unavailable' }]);

    const again = await place.run('certs', 'renew', '--quiet');
    expect(again.code).toBe(3);
    expect(again.stdout).toContain('issuer-unavailable');
    const { value } = await place.json<CertificateList>('certs', 'list');
    const failed = value.certificates.find(({ id }) => id === 'away.test');
    // The second run kept to the pause after the first failure.
    expect(failed).toMatchObject({
      status: 'missing',
      lastError: { code: 'issuer-unavailable', attempts: 1 },
    });

    const named = await place.json<RunResult>('certs', 'obtain', 'away.test');
    expect(named.code).toBe(1);
    expect(named.value.failed).toHaveLength(1);
    const after = await place.json<CertificateList>('certs', 'list');
    expect(after.value.certificates.find(({ id }) => id === 'away.test')).toMatchObject({
      lastError: { attempts: 2 },
    });
  });
});
