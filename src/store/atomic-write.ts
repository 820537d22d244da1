import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { systemCodeOf } from '../errors.ts';
import { type FileSystem, unwritable } from './file-system.ts';

/** How the names of unfinished files begin. They are no part of the store, and are removed when they are old. */
export const UNFINISHED = '.new-';

/**
 * Replaces a file as a whole: a reader, also one after a crash, sees the old content or the new one. When this
 * resolves, the new one is on the disk.
 *
 * open a temporary file beside it, write, fsync, close; rename it over the old one; fsync the directory.
 *
 * @throws RigilError `store-unwritable`; the old content is in force
 */
export async function writeAtomically(
  fs: FileSystem,
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const unfinished = join(dirname(path), UNFINISHED + randomUUID());
  try {
    await makeDirectory(fs, dirname(path));
    await writeNewFile(fs, unfinished, content);
    await fs.rename(unfinished, path);
    await syncDirectory(fs, dirname(path));
  } catch (error) {
    await fs.unlink(unfinished).catch(() => {});
    throw unwritable(path, error);
  }
}

/** Writes a file that must not be there yet, readable for its owner only, and waits until the disk has it. */
export async function writeNewFile(
  fs: FileSystem,
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const file = await fs.open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a directory for its owner only, and those above it that are missing; each is on the disk afterwards. */
export async function makeDirectory(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return;
    if (systemCodeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(fs, dirname(path));
    await makeDirectory(fs, path);
    return;
  }
  await syncDirectory(fs, dirname(path));
}

/** Makes the entries of a directory last: without this a crash of the machine can undo a rename. */
export async function syncDirectory(fs: FileSystem, path: string): Promise<void> {
  const directory = await fs.open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
