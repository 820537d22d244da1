import { isAbsolute, resolve } from 'node:path';
import { Fault } from '../fault.ts';

/** The address of a Unix socket holds 107 bytes and a final NUL (unix(7)). */
const LONGEST_SOCKET_PATH = 107;

/** An absolute path; relative ones begin at `baseDir`. */
export function parsePath(text: string, baseDir: string): string | Fault {
  if (text === '') return new Fault('invalid-path', 'is no path');
  if (text.includes('\0')) return new Fault('invalid-path', 'has a NUL in it');
  if (text === '~' || text.startsWith('~/')) {
    return new Fault(
      'invalid-path',
      'begins with ~, which only shells replace',
      `write \${HOME} instead of ~`,
    );
  }
  return isAbsolute(text) ? text : resolve(baseDir, text);
}

/** An absolute path short enough for a Unix socket. */
export function parseSocketPath(text: string, baseDir: string): string | Fault {
  const path = parsePath(text, baseDir);
  if (path instanceof Fault) return path;
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_SOCKET_PATH) return path;
  return new Fault(
    'invalid-path',
    `is too long for a Unix socket: ${bytes} bytes of at most ${LONGEST_SOCKET_PATH}`,
  );
}
