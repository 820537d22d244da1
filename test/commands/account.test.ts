import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountDeactivation, AccountList, AccountRollover } from '../../src/app/accounts.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { type Workplace, workplace } from './workplace.ts';

const [programs] = pebbles();
const ROUTE = 'route one.test\n  provider pebble\n  upstream localhost:1\n';

describe.skipIf(programs === undefined)('rigil account', { timeout: 120_000 }, () => {
  let pebble: Pebble;
  let place: Workplace;
  beforeAll(async () => {
    if (programs === undefined) return;
    const environment = { PEBBLE_VA_ALWAYS_VALID: '1' };
    pebble = await startPebble(programs, { environment });
    const section = `issuer pebble\n  directory ${pebble.directory}\n  ca-root ${pebble.caRoot}\n  email one@example.org\n`;
    const ports = { http: pebble.httpPort, https: pebble.tlsPort };
    place = await workplace(`${section}issuer internal\n  type internal\n${ROUTE}`, ports);
  }, 60_000);
  afterAll(async () => {
    place?.[Symbol.dispose]();
    await pebble?.stop();
  });

  it('shows, renews the key of, and ends the account of a CA', async () => {
    const none = await place.json<AccountList>('account', 'show');
    expect(none).toMatchObject({ code: 0, value: { accounts: [{ issuer: 'pebble', url: null }] } });
    expect(await place.json('account', 'rollover')).toMatchObject({
      code: 1,
      value: { error: { code: 'name-unknown', hint: expect.stringContaining('rigil certs obtain') } },
    });

    expect((await place.run('certs', 'obtain')).code).toBe(0);
    const [before] = (await place.json<AccountList>('account', 'show')).value.accounts;
    expect(before).toMatchObject({
      issuer: 'pebble',
      directory: pebble.directory,
      email: 'one@example.org',
      url: expect.stringMatching(/^https:/),
      thumbprint: expect.stringMatching(/^[\w-]{43}$/),
    });

    const { code, value } = await place.json<AccountRollover>('account', 'rollover', 'pebble');
    expect(code).toBe(0);
    expect(value.formerThumbprint).toBe(before?.thumbprint);
    expect(value.account).toEqual({ ...before, thumbprint: value.account.thumbprint });
    expect(value.account.thumbprint).not.toBe(before?.thumbprint);
    expect((await place.run('certs', 'renew', '--force', 'one.test')).code).toBe(0);

    const refused = await place.json('account', 'deactivate');
    expect(refused).toMatchObject({ code: 2, value: { error: { hint: expect.stringContaining('--yes') } } });
    const ended = await place.json<AccountDeactivation>('account', 'deactivate', '--yes');
    expect(ended).toMatchObject({ code: 0, value: { deactivated: { url: before?.url } } });
    const { stdout } = await place.run('account', 'show');
    expect(stdout).toContain('none yet');

    expect((await place.run('certs', 'renew', '--force', 'one.test')).code).toBe(0);
    const [after] = (await place.json<AccountList>('account', 'show')).value.accounts;
    expect(after?.url).not.toBe(before?.url);
  });

  it('says which issuers have one', async () => {
    for (const name of ['internal', 'nobody']) {
      expect(await place.json('account', 'show', name)).toMatchObject({
        code: 1,
        value: { error: { code: 'issuer-unknown', hint: expect.stringContaining('pebble') } },
      });
    }
    using two = await workplace(
      'issuer a\n  directory https://a.test/\nissuer b\n  directory https://b.test/\n',
    );
    expect(await two.json('account', 'rollover')).toMatchObject({
      code: 2,
      value: { error: { code: 'usage', hint: expect.stringContaining('a, b') } },
    });
  });
});
