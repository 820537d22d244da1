import fs from 'node:fs/promises';
import { RigilError, systemCodeOf } from '../errors.ts';

/** The operations of `node:fs/promises` that the store uses; tests put one in between that fails or dies at any of them. */
export type FileSystem = Pick<
  typeof fs,
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readFile'
  | 'readdir'
  | 'readlink'
  | 'rename'
  | 'rm'
  | 'stat'
  | 'symlink'
  | 'unlink'
>;

export const systemFileSystem: FileSystem = fs;

/** Codes of the system that mean: there is nothing. Every other one is a read error. */
export function isAbsence(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** The error for a path that cannot be read. */
export function unreadable(path: string, cause: unknown): RigilError {
  return new RigilError('store-unreadable', `${path} cannot be read${because(cause)}`, {
    hint: HINTS[systemCodeOf(cause) ?? ''],
    cause,
  });
}

/** The error for a path that cannot be written. Errors that say more already stay as they are. */
export function unwritable(path: string, cause: unknown): RigilError {
  if (cause instanceof RigilError) return cause;
  return new RigilError('store-unwritable', `${path} cannot be written${because(cause)}`, {
    hint: HINTS[systemCodeOf(cause) ?? ''],
    cause,
  });
}

function because(cause: unknown): string {
  const code = systemCodeOf(cause);
  return code === null ? '' : ` (${code})`;
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'give the user that runs rigil access to it',
  EPERM: 'give the user that runs rigil access to it',
  ENOTDIR: 'a part of the path is a file: choose another `store file` directory',
  EIO: 'the disk or the network file system does not answer as it should; see dmesg',
  EROFS: 'mount the file system writable, or choose another `store file` directory',
  ENOSPC: 'free some space on this disk',
  EDQUOT: 'free some space in the quota of the user that runs rigil',
  EMFILE: 'allow the process more open files (`ulimit -n`, `LimitNOFILE=`)',
};
