import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LoadOptions, loadConfig, unreadable } from '../../src/config/load.ts';
import { RigilError } from '../../src/errors.ts';

const ENV = { env: { HOME: '/home/rigil' }, mode: 'daemon' } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rigil-config-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function written(content: string | Uint8Array, name = 'rigil.conf'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

async function failure(options: LoadOptions): Promise<RigilError> {
  const error = await loadConfig(options).catch((thrown: unknown) => thrown);
  if (!(error instanceof RigilError)) throw new Error('it did not fail');
  return error;
}

describe('a file', () => {
  it('is read, and its paths begin at its folder', async () => {
    const file = await written('global\nstore file state\nroute a.test\nupstream unix:app.sock');
    const { config, diagnostics } = await loadConfig({ file, ...ENV });
    expect(diagnostics).toEqual([]);
    expect(config).toMatchObject({
      file,
      global: { store: { dir: join(folder, 'state') } },
      routes: [{ upstreams: [{ path: join(folder, 'app.sock') }] }],
    });
  });

  it('may be a link, a pipe or a device', async () => {
    const file = await written('route a.test\nupstream a');
    await symlink(file, join(folder, 'link'));
    expect((await loadConfig({ file: join(folder, 'link'), ...ENV })).config?.routes.length).toBe(1);
    expect((await loadConfig({ file: '/dev/null', ...ENV })).diagnostics).toMatchObject([
      { code: 'no-routes' },
    ]);
  });

  it('that never ends is too large', async () => {
    const { config, diagnostics } = await loadConfig({ file: '/dev/zero', ...ENV });
    expect(config).toBeNull();
    expect(diagnostics).toMatchObject([{ file: '/dev/zero', line: 0, code: 'file-too-large' }]);
  });

  it('that is absent is said to be', async () => {
    const error = await failure({ file: join(folder, 'nothing'), ...ENV });
    expect(error).toMatchObject({ code: 'config-unreadable', message: `there is no file ${folder}/nothing` });
    expect(error.hint).toContain('RIGIL_CONFIG');
  });

  it('below a file is said to be absent', async () => {
    const file = await written('');
    const error = await failure({ file: join(file, 'x'), ...ENV });
    expect(error).toMatchObject({ code: 'config-unreadable' });
    expect(error.message).toContain('not a folder');
  });

  it('that is a folder is said to be', async () => {
    await mkdir(join(folder, 'conf'));
    const error = await failure({ file: join(folder, 'conf/'), ...ENV });
    expect(error).toMatchObject({
      code: 'config-unreadable',
      hint: `name a file, such as ${folder}/conf/rigil.conf`,
    });
  });

  it.each([
    ['EACCES', 'rigil.conf may not be read by the user that runs rigil'],
    ['EPERM', 'rigil.conf may not be read by the user that runs rigil'],
    ['EIO', 'rigil.conf cannot be read: it failed'],
  ])('that cannot be read because of %s is said to be', (code, message) => {
    const error = unreadable('rigil.conf', Object.assign(new Error('it failed'), { code }));
    expect(error).toMatchObject({ code: 'config-unreadable', message });
  });
});

describe('a text', () => {
  it('has the name that it is given', async () => {
    const { diagnostics } = await loadConfig({ text: 'foo', name: '<stdin>', ...ENV });
    expect(diagnostics).toMatchObject([{ file: '<stdin>', line: 1, column: 1 }]);
  });

  it('has its paths begin where it is said', async () => {
    const text = 'global\nstore file state\nroute a.test\nupstream a';
    const { config } = await loadConfig({ text, name: 'x', baseDir: '/srv', ...ENV });
    expect(config?.global.store).toMatchObject({ dir: '/srv/state' });
  });
});

describe('bytes', () => {
  async function problems(...parts: (string | number[])[]): Promise<string[]> {
    const text = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    const { diagnostics } = await loadConfig({ text, name: 'x', ...ENV });
    return diagnostics.map(({ line, column, severity, code }) => `${line}:${column} ${severity} ${code}`);
  }

  const route = 'route a.test\nupstream a\n';

  it('may begin with a byte order mark', async () => {
    expect(await problems([0xef, 0xbb, 0xbf], route)).toEqual([]);
    expect(await problems([0xef, 0xbb, 0xbf], 'foo\n', route)).toEqual(['1:1 error unknown-directive']);
  });

  it('that are not UTF-8 are wrong, and each line says where', async () => {
    expect(
      await problems(route, 'header add X ä', [0xe4, 0xe4], '\n', 'header add Y \ufffd', [0xff]),
    ).toEqual(['3:15 error invalid-utf8', '4:15 error invalid-utf8']);
  });

  it('that are not UTF-8 do no harm in a comment', async () => {
    expect(await problems('# f', [0xfc], 'r\n', route)).toEqual(['1:4 warning invalid-utf8']);
    expect(await problems('route a.test # f', [0xfc], 'r\nupstream a')).toEqual([
      '1:17 warning invalid-utf8',
    ]);
  });

  it('may hold the replacement character itself', async () => {
    expect(await problems(route, '# \ufffd')).toEqual([]);
  });

  it('with a NUL are wrong, but in a comment', async () => {
    expect(await problems(route, 'header add X a\0b')).toEqual(['3:15 error nul-character']);
    expect(await problems(route, '# \0')).toEqual(['3:3 warning nul-character']);
  });

  it('of UTF-16 are wrong', async () => {
    const found = await problems([0xff, 0xfe], [...Buffer.from(route, 'utf16le')]);
    expect(found[0]).toBe('1:1 error invalid-utf8');
    expect(found.length).toBeLessThanOrEqual(3);
  });

  it('with a damaged line that opens a section lead to no other problem', async () => {
    expect(await problems('route a', [0xff], '.test b.test\nredirect-to-primary\nupstream a')).toEqual([
      '1:8 error invalid-utf8',
    ]);
  });
});
