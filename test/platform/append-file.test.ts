import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AppendFile } from '../../src/platform/append-file.ts';

function workplace() {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-append-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'access.log');
  const file = new AppendFile(path);
  onTestFinished(() => file.close());
  return { folder, path, file };
}

const textOf = (path: string) => readFileSync(path, 'utf8');

describe('a file that is appended to', () => {
  it('is made readable for owner and group only, and shared with others', async () => {
    const { path, file } = workplace();
    const other = new AppendFile(path);
    await file.write(Buffer.from('one\n'));
    await other.write(Buffer.from('two\n'));
    await file.write(Buffer.from('three\n'));
    await other.close();
    expect(textOf(path)).toBe('one\ntwo\nthree\n');
    expect(statSync(path).mode & 0o137).toBe(0);
  });

  it('is left where it was moved to only when it is opened anew, between two writes', async () => {
    const { path, file } = workplace();
    await file.write(Buffer.from('one\n'));
    renameSync(path, `${path}.1`);
    const steps = [file.write(Buffer.from('two\n')), file.reopen(), file.write(Buffer.from('three\n'))];
    await Promise.all(steps);
    expect(textOf(`${path}.1`)).toBe('one\ntwo\n');
    expect(textOf(path)).toBe('three\n');
  });

  it('is kept when no new one can be opened', async () => {
    const { folder, path, file } = workplace();
    await file.write(Buffer.from('one\n'));
    renameSync(folder, `${folder}.moved`);
    onTestFinished(() => rmSync(`${folder}.moved`, { recursive: true, force: true }));
    await expect(file.reopen()).rejects.toMatchObject({ code: 'ENOENT' });
    await file.write(Buffer.from('two\n'));
    expect(textOf(path.replace(folder, `${folder}.moved`))).toBe('one\ntwo\n');
  });

  it('is opened again after a write that failed', async () => {
    const full = new AppendFile('/dev/full');
    await expect(full.write(Buffer.from('x\n'))).rejects.toThrow(/no regular file/);
    const { folder } = workplace();
    const path = join(folder, 'later', 'access.log');
    const file = new AppendFile(path);
    onTestFinished(() => file.close());
    await expect(file.write(Buffer.from('lost\n'))).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(join(folder, 'later'));
    await file.write(Buffer.from('kept\n'));
    expect(textOf(path)).toBe('kept\n');
  });

  it('is never a FIFO, which would hold up a thread', async () => {
    const { folder } = workplace();
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const file = new AppendFile(path);
    await expect(file.write(Buffer.from('x\n'))).rejects.toMatchObject({ code: 'ENXIO' });
  });
});
