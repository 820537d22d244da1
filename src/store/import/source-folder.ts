import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, RigilError, systemCodeOf } from '../../errors.ts';

/** In bytes: a file of ten thousand certificates takes 60 MiB. */
const LARGEST_FILE = 256 * 1024 * 1024;
/** More files than that are no folder of certificates. */
const MOST_FILES = 20_000;

/**
 * The text of a file, links followed; null when there is none. Only regular files are read: a pipe would never end.
 *
 * @throws RigilError `target-unreadable`
 */
export async function readSource(path: string, largest = LARGEST_FILE): Promise<string | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, ...kind } = await file
      .stat()
      .then((stats) => ({ size: stats.size, regular: stats.isFile() }));
    if (!kind.regular) throw new RigilError('target-unreadable', `${path} is not a file`);
    if (size > largest) {
      throw new RigilError('target-unreadable', `${path} is too large: ${size} bytes`);
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof RigilError) throw error;
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw unreadable(path, error);
  }
}

/**
 * The text of a file that may be left out: null when it is no regular file, or larger than `largest` bytes.
 *
 * @throws RigilError `target-unreadable`
 */
export async function readIfSmall(path: string, largest: number): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  return stats?.isFile() === true && stats.size <= largest ? readSource(path, largest) : null;
}

/** The names in a folder; null when there is none. @throws RigilError `target-unreadable` */
export async function listSource(path: string): Promise<readonly string[] | null> {
  try {
    const names = await readdir(path);
    if (names.length > MOST_FILES) {
      throw new RigilError('target-unreadable', `${path} has ${names.length} files: name one of its folders`);
    }
    return names.sort();
  } catch (error) {
    if (error instanceof RigilError) throw error;
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return null;
    throw unreadable(path, error);
  }
}

/** What a path is; links are followed. @throws RigilError `target-unreadable` */
export async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | null> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return null;
    throw unreadable(path, error);
  }
}

/** The folders in a folder, by path. */
export async function foldersIn(path: string): Promise<readonly string[]> {
  const paths = ((await listSource(path)) ?? []).map((name) => join(path, name));
  const kinds = await Promise.all(paths.map((each) => kindOf(each).catch(() => null)));
  return paths.filter((_, index) => kinds[index] === 'folder');
}

function unreadable(path: string, error: unknown): RigilError {
  const code = systemCodeOf(error);
  const hint =
    code === 'EACCES' || code === 'EPERM' ? 'run this as a user that may read it, such as root' : undefined;
  return new RigilError('target-unreadable', `${path} cannot be read: ${messageOf(error)}`, {
    hint,
    cause: error,
  });
}
