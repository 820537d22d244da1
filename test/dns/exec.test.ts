import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProvider } from '../../src/dns/registry.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { MOST_OUTPUT } from '../../src/dns/run-program.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { challengeFor, never } from './records.ts';

const RECORD = challengeFor('www.acme.test');
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rigil-exec-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A shell script; what it is given is in the file `log`, one line a run. */
async function script(name: string, ...lines: readonly string[]): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, ['#!/bin/sh', ...lines, ''].join('\n'));
  await chmod(file, 0o755);
  return file;
}

const log = async (): Promise<string[]> => (await readFile(join(dir, 'log'), 'utf8')).trim().split('\n');

function provider(options: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  return createProvider(
    'exec',
    { cname: 'ignore', ...options },
    { env: { PATH, HOME: dir, ...env }, clock: systemClock, http: systemHttp, resolver: createResolver([]) },
  );
}

describe('exec, as lego calls programs', () => {
  it('passes name and value, and removes the same', async () => {
    const path = await script('hook', `echo "$# $*" >> ${dir}/log`);
    const cleanUp = await provider({ path }).present(RECORD, never);
    await cleanUp();
    const { name, value } = RECORD;
    expect(await log()).toEqual([`3 present ${name}. ${value}`, `3 cleanup ${name}. ${value}`]);
  });

  it('passes domain, token and key authorization in RAW mode', async () => {
    const path = await script('hook', `echo "$# $*" >> ${dir}/log`);
    const cleanUp = await provider({ path, mode: 'RAW' }).present(RECORD, never);
    await cleanUp();
    const rest = `-- ${RECORD.domain} ${RECORD.token} ${RECORD.keyAuthorization}`;
    expect(await log()).toEqual([`5 present ${rest}`, `5 cleanup ${rest}`]);
  });

  it('takes program and mode from the environment', async () => {
    const path = await script('hook', `echo "$1 $2" >> ${dir}/log`);
    await provider({}, { EXEC_PATH: path, EXEC_MODE: 'RAW' }).present(RECORD, never);
    expect(await log()).toEqual(['present --']);
  });

  it('gives the program the variables that are named, and few others', async () => {
    const path = await script(
      'hook',
      `env | grep -v '^\\(_\\|PWD\\|OLDPWD\\|SHLVL\\)=' | sort >> ${dir}/log`,
    );
    const env = { PDNS_TOKEN: 't', PDNS_URL: 'u', PDNSX: 'x', CF_DNS_API_TOKEN: 'secret', EXACT: 'e' };
    await provider({ path, env: 'PDNS_*,EXACT', 'env.GIVEN': 'a b=c' }, env).present(RECORD, never);
    expect(await log()).toEqual(
      ['EXACT=e', 'GIVEN=a b=c', `HOME=${dir}`, `PATH=${PATH}`, 'PDNS_TOKEN=t', 'PDNS_URL=u'].sort(),
    );
  });

  it('says status and last lines, without the secrets that were given', async () => {
    const path = await script('hook', 'echo first >&2; echo "token $SECRET refused" >&2; exit 3');
    const options = { path, 'env.SECRET': 'hunter2-hunter2' };
    await expect(provider(options).present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringMatching(/ended with status 3 .*: first \/ token \*\*\* refused$/),
      hint: expect.stringContaining('env='),
    });
  });

  it('runs one program at a time', async () => {
    const lock = join(dir, 'lock');
    const path = await script(
      'hook',
      `mkdir ${lock} || exit 1; sleep 0.05; echo "$1" >> ${dir}/log; rmdir ${lock}`,
    );
    const one = provider({ path });
    const records = ['a', 'b', 'c'].map((seed) => challengeFor('acme.test', seed));
    const cleanUps = await Promise.all(records.map((record) => one.present(record, never)));
    await Promise.all(cleanUps.map((cleanUp) => cleanUp()));
    expect(await log()).toEqual(['present', 'present', 'present', 'cleanup', 'cleanup', 'cleanup']);
  });

  it('neither runs nor undoes what was aborted before its turn', async () => {
    const path = await script('hook', `echo "$1 $3" >> ${dir}/log; sleep 0.2`);
    const [first, second] = [challengeFor('acme.test', 'a'), challengeFor('acme.test', 'b')];
    const one = provider({ path });
    const abort = new AbortController();
    const running = one.present(first, never);
    const waiting = one.present(second, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await running;
    expect(await log()).toEqual([`present ${first.value}`]);
  });

  it('undoes what a failed program may have done', async () => {
    const path = await script('hook', `echo "$1" >> ${dir}/log; [ "$1" = cleanup ]`);
    await expect(provider({ path }).present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
    });
    expect(await log()).toEqual(['present', 'cleanup']);
  });

  it('says that a clean-up failed', async () => {
    const path = await script('hook', '[ "$1" = present ] || { echo gone; exit 1; }');
    const cleanUp = await provider({ path }).present(RECORD, never);
    await expect(cleanUp()).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('removing the record: gone'),
    });
  });

  it('says that the program is absent', async () => {
    await expect(provider({ path: join(dir, 'nothing') }).present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('says that the program is not executable', async () => {
    const path = await script('hook', 'exit 0');
    await chmod(path, 0o644);
    await expect(provider({ path }).present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('EACCES'),
      hint: expect.stringContaining('chmod'),
    });
  });

  it('reads huge output to its end and keeps little of it', async () => {
    const path = await script(
      'hook',
      'i=0; while [ $i -lt 300 ]; do printf "%08192d" 0; i=$((i+1)); done',
      'echo the end >&2; exit 1',
    );
    const failure = await provider({ path })
      .present(RECORD, never)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining('the end') });
    expect(String(failure).length).toBeLessThan(3000);
  });

  it('does not wait for what a program leaves in the background', async () => {
    const path = await script('hook', `sleep 30 & echo $! > ${dir}/log`);
    await provider({ path }).present(RECORD, never);
    const [pid] = await log();
    expect(await isAlive(Number(pid))).toBe(true);
    process.kill(Number(pid));
  });
});

describe('exec, with a program that hangs', () => {
  /** Starts a grandchild that ignores TERM, and writes the ids of both. */
  const hanging = () =>
    script(
      'hook',
      `[ "$1" = cleanup ] && exit 0`,
      `sh -c 'trap "" TERM; echo $$ >> ${dir}/log; while :; do sleep 1; done' &`,
      `echo $$ >> ${dir}/log`,
      'wait',
    );

  async function startedTwo(): Promise<number[]> {
    for (;;) {
      const lines = await log().catch(() => []);
      if (lines.length === 2) return lines.map(Number);
      await delay(10);
    }
  }

  it('ends it and all that it started when its time is up', async () => {
    const path = await hanging();
    const presenting = provider({ path, timeout: '500ms' }).present(RECORD, never);
    await expect(presenting).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('did not end within 0.5 s'),
    });
    await gone(await startedTwo());
  });

  it('ends it and all that it started when it is aborted', async () => {
    const path = await hanging();
    const abort = new AbortController();
    const presenting = provider({ path }).present(RECORD, abort.signal);
    presenting.catch(() => {});
    const pids = await startedTwo();
    abort.abort();
    await expect(presenting).rejects.toMatchObject({ code: 'aborted' });
    await gone(pids);
  });
});

describe('exec, as certbot calls hooks', () => {
  it('passes domain and value in the environment, and to the clean-up what the auth hook printed', async () => {
    const show = `echo "$CERTBOT_DOMAIN $CERTBOT_VALIDATION [$CERTBOT_AUTH_OUTPUT] $#" >> ${dir}/log`;
    const auth = await script('auth', show, 'echo id 42');
    const cleanup = await script('cleanup', show);
    const cleanUp = await provider({ dialect: 'certbot', auth, cleanup }).present(RECORD, never);
    await cleanUp();
    const common = `${RECORD.domain} ${RECORD.value}`;
    expect(await log()).toEqual([`${common} [] 0`, `${common} [id 42] 0`]);
  });

  it('needs no clean-up hook', async () => {
    const auth = await script('auth', 'exit 0');
    const cleanUp = await provider({ dialect: 'certbot', auth }).present(RECORD, never);
    await cleanUp();
  });

  it('keeps the beginning of what the auth hook printed', async () => {
    const auth = await script('auth', 'i=0; while [ $i -lt 300 ]; do printf "%08192d" 0; i=$((i+1)); done');
    const cleanup = await script('cleanup', `printf %s "$CERTBOT_AUTH_OUTPUT" | wc -c >> ${dir}/log`);
    const cleanUp = await provider({ dialect: 'certbot', auth, cleanup }).present(RECORD, never);
    await cleanUp();
    expect((await log()).map(Number)).toEqual([MOST_OUTPUT]);
  });
});

describe('exec, through acme.sh', () => {
  /** The parts of acme.sh that are used: its dispatch, its set-up, its search for scripts. */
  beforeEach(async () => {
    await script(
      'acme.sh',
      '_initpath() { _SCRIPT_HOME="$LE_WORKING_DIR"; TOKEN="saved for $1"; }',
      '_findHook() { [ -f "$_SCRIPT_HOME/$2/$3.sh" ] && printf %s "$_SCRIPT_HOME/$2/$3.sh"; }',
      'main() {',
      '  case "$1" in -*) exit 9 ;; *) "$@" ;; esac',
      '}',
      'main "$@"',
    );
    await script(
      'dns_my.sh',
      `dns_my_add() { echo "add $1 $2 $TOKEN" >> ${dir}/log; }`,
      'dns_my_rm() { echo "no rights" >&2; return 1; }',
    );
    await mkdir(join(dir, 'dnsapi'));
    await rename(join(dir, 'dns_my.sh'), join(dir, 'dnsapi', 'dns_my.sh'));
  });

  it('calls the functions of a dnsapi script with the saved account', async () => {
    const cleanUp = await provider({ dialect: 'acme.sh', api: 'dns_my', home: dir }).present(RECORD, never);
    expect(await log()).toEqual([`add ${RECORD.name} ${RECORD.value} saved for ${RECORD.domain}`]);
    await expect(cleanUp()).rejects.toMatchObject({ message: expect.stringContaining('no rights') });
  });

  it('says that there is no such script', async () => {
    await expect(
      provider({ dialect: 'acme.sh', api: 'dns_none', home: dir }).present(RECORD, never),
    ).rejects.toMatchObject({ message: expect.stringContaining('no script dnsapi/dns_none.sh') });
  });
});

/** Resolves when none of the processes runs; one that was killed may still wait to be noticed by its parent. */
async function gone(pids: readonly number[]): Promise<void> {
  await vi.waitFor(async () => expect(await Promise.all(pids.map(isAlive))).not.toContain(true), 5000);
}

async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}
