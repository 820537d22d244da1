import { accessSync, constants } from 'node:fs';
import { systemClock } from '../platform/clock.ts';

/** How long what is left over may take to end by itself, in milliseconds. */
const LEFT_OVER_MS = 2_000;

/**
 * Ends this process with `code`, or else that of `process.exitCode`, as soon as nothing is left that keeps it alive, and
 * in two seconds at the latest. For when everything is done and told. Never settles.
 */
export function endSoon(code?: number): Promise<never> {
  if (code !== undefined) process.exitCode = code;
  process.once('beforeExit', () => process.exit());
  systemClock.every(LEFT_OVER_MS, () => endAtOnce());
  return new Promise(() => {});
}

/**
 * Ends this process now, whatever it is in the middle of.
 *
 * `process.exit` is not enough: it waits for the threads that read files, look names up and make keys. One that reads from
 * a file system whose server is gone never comes back, and large keys take their time. So this process becomes another
 * program, which ends with `code`: a signal would end it as well, and would look like a crash to whoever watches over it.
 */
export function endAtOnce(code: number | string = process.exitCode ?? 0): never {
  const { execPath } = process;
  try {
    // Where there is no such program, some versions of Node leave a dump of the memory behind.
    accessSync(execPath, constants.X_OK);
    process.execve?.(execPath, [execPath, '-e', `process.exit(${Number(code)})`], {});
  } catch {
    // The program is gone after an upgrade, or the system has too little left to start it.
  }
  process.kill(process.pid, 'SIGKILL');
  return process.exit(Number(code));
}
