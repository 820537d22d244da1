import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Workplace, workplace } from './workplace.ts';

const ROUTE = 'route one.test\n  upstream localhost:1\n';

describe('a variable that is not set', { timeout: 60_000 }, () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace(ROUTE);
  });
  afterEach(() => place[Symbol.dispose]());

  /** A whole configuration, with nothing that the workplace adds. */
  const write = (text: string): void => writeFileSync(place.configFile, text);

  it.each([
    ['certs', 'list'],
    ['certs', 'show', 'one.test'],
    ['certs', 'obtain', 'one.test'],
    ['certs', 'renew', '--dry-run'],
    ['certs', 'revoke', 'one.test'],
    ['certs', 'import', '/nonexistent'],
    ['account', 'show'],
    ['ocsp', 'inspect', 'one.test'],
    ['store', 'reseal'],
    ['serve'],
  ])('in the URL of the store is told by `%s %s`', async (...args) => {
    write(`global\n  store redis redis://:\${RIGIL_TEST_PASSWORD}@127.0.0.1:1\n${ROUTE}`);
    const { code, stdout, stderr } = await place.run(...args);
    expect(code).toBe(1);
    expect(stderr + stdout).toContain('the variable RIGIL_TEST_PASSWORD is not set');
  });

  it('is no matter where a command does not go by it', async () => {
    write(
      `global\n  store file ${place.store}\n  access-log \${RIGIL_TEST_LOG}\nissuer ca\n  email \${RIGIL_TEST_MAIL}\n${ROUTE}`,
    );
    expect((await place.run('certs', 'list')).code).toBe(0);
  });

  it('in the address to ask is told by `status`', async () => {
    write(`global\n  admin \${RIGIL_TEST_ADMIN}\n${ROUTE}`);
    const { code, stderr } = await place.run('status');
    expect(code).toBe(1);
    expect(stderr).toContain('the variable RIGIL_TEST_ADMIN is not set');
  });

  it('in what an account is known by is told by `account show`', async () => {
    write(`global\n  store file ${place.store}\nissuer ca\n  email \${RIGIL_TEST_MAIL}\n${ROUTE}`);
    const { code, stderr } = await place.run('account', 'show');
    expect(code).toBe(1);
    expect(stderr).toContain('the variable RIGIL_TEST_MAIL is not set');
  });
});
