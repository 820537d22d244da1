import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { messageOf, systemCodeOf } from '../errors.ts';
import { Fault } from './fault.ts';

/** What a file holds. The same object for the same path, so that what is made of it can be remembered. */
export interface FileText {
  readonly text: string;
}

/** Reads a file that a configuration names; a Fault with the code `unreadable-file` where that is not possible. */
export type ReadFile = (path: string) => FileText | Fault;

/** In bytes: all roots that browsers trust are a fifth of it. */
const LARGEST = 1024 * 1024;

/** Reads each file once, at once, and without the thread pool, like the configuration itself. */
export function fileReader(): ReadFile {
  const known = new Map<string, FileText | Fault>();
  return (path) => {
    const found = known.get(path) ?? readSmallFile(path);
    known.set(path, found);
    return found;
  };
}

function readSmallFile(path: string): FileText | Fault {
  let descriptor: number | null = null;
  try {
    // Opening a FIFO would wait for somebody who writes.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return unreadable('is no regular file');
    if (stats.size > LARGEST) return unreadable('is larger than 1 MiB', 'is this the right file?');
    return { text: readFileSync(descriptor, 'utf8') };
  } catch (error) {
    switch (systemCodeOf(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return unreadable('does not exist');
      case 'EACCES':
      case 'EPERM':
        return unreadable('may not be read by the user that runs rigil', `look at it with: namei -l ${path}`);
      default:
        return unreadable(`cannot be read: ${messageOf(error)}`);
    }
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function unreadable(message: string, hint: string | null = null): Fault {
  return new Fault('unreadable-file', message, hint);
}
