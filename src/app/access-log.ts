import { constants, openSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AccessLogConfig } from '../config/config.ts';
import { messageOf, RigilError, systemCodeOf } from '../errors.ts';
import { openToAppend } from '../platform/append-file.ts';
import { LineWriter } from '../platform/line-writer.ts';
import type { AccessLogSettings } from '../snapshot/snapshot.ts';

/** A target of the access log that can be written to. */
export interface OpenAccessLog {
  /** For the workers. */
  readonly settings: AccessLogSettings;
  /** What the control process writes for the workers: all but regular files. */
  readonly writer: LineWriter | null;
}

/**
 * Opens what a configuration wants, so that what cannot be is known before anything has changed. A file is made where
 * there is none, and left to the workers.
 *
 * @param stdout the one writer of the standard output
 * @throws RigilError `access-log-unwritable`
 */
export async function openAccessLog(
  { format, target }: AccessLogConfig,
  stdout: () => LineWriter,
): Promise<OpenAccessLog> {
  if (target.kind === 'stdout') return { settings: { format, file: null }, writer: stdout() };
  const { path } = target;
  try {
    const kind = await kindOf(path);
    if (kind === null || kind.isFile()) {
      await (await openToAppend(path)).close();
      return { settings: { format, file: path }, writer: null };
    }
    return { settings: { format, file: null }, writer: new LineWriter(openSpecial(path, kind), true) };
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Opened for reading as well, a FIFO can be opened, and kept, while nobody reads it (Linux: fifo(7)). */
function openSpecial(path: string, kind: Stats): number {
  if (kind.isBlockDevice()) throw new Error('it is a block device');
  const direction = kind.isFIFO() ? constants.O_RDWR : constants.O_WRONLY;
  return openSync(path, direction | constants.O_NONBLOCK | constants.O_NOCTTY);
}

/** Null where there is nothing. */
async function kindOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function unwritable(path: string, error: unknown): RigilError {
  const code = systemCodeOf(error);
  const problem = PROBLEMS[code ?? '']?.(path) ?? { message: messageOf(error), hint: undefined };
  return new RigilError('access-log-unwritable', `cannot write the access log ${path}: ${problem.message}`, {
    hint: problem.hint,
    cause: error,
  });
}

interface Problem {
  readonly message: string;
  readonly hint: string;
}

const forbidden = (path: string): Problem => ({
  message: 'permission denied',
  hint: `the file, or the folder ${dirname(path)} where there is no file yet, must be writable for the user that runs rigil`,
});

const PROBLEMS: Readonly<Record<string, (path: string) => Problem>> = {
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: (path) => ({
    message: 'the file system is read-only',
    hint: `under systemd name the folder in ReadWritePaths= or LogsDirectory=: ${dirname(path)}`,
  }),
  ENOENT: (path) => ({
    message: `there is no folder ${dirname(path)}`,
    hint: 'create it; systemd does so with LogsDirectory=',
  }),
  ENOTDIR: (path) => ({
    message: `${dirname(path)} is no folder`,
    hint: 'correct the path of access-log',
  }),
  EISDIR: () => ({ message: 'it is a folder', hint: 'name a file in it' }),
  ENXIO: () => ({ message: 'it is a socket', hint: 'choose a file, a FIFO or `stdout`' }),
};
