import { execFile } from 'node:child_process';
import { messageOf } from '../errors.ts';
import type { Emit } from '../events/bus.ts';

/** What systemd is told about the daemon (sd_notify(3)). */
export type DaemonState = 'ready' | 'reloading' | 'stopping';

/** Longest wait for `systemd-notify`, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * Tells systemd what the daemon is doing, for units of `Type=notify` and `Type=notify-reload`. Does nothing where
 * NOTIFY_SOCKET is not set. Never rejects: a daemon that serves does not end because a word about it got lost.
 *
 * Node has no datagram sockets for paths, so the word goes through the program `systemd-notify`; the unit therefore
 * needs `NotifyAccess=all`.
 */
export async function notifySystemd(
  state: DaemonState,
  {
    env = process.env,
    emit = () => {},
    mainPid = null,
  }: {
    env?: NodeJS.ProcessEnv;
    emit?: Emit;
    /** Tells also that this process is the main one of the unit now. */
    mainPid?: number | null;
  } = {},
): Promise<void> {
  if (env['NOTIFY_SOCKET'] === undefined || env['NOTIFY_SOCKET'] === '') return;
  await new Promise<void>((resolve) => {
    const words = [...assignments(state), ...(mainPid === null ? [] : [`MAINPID=${mainPid}`])];
    execFile('systemd-notify', words, { env, timeout: TIMEOUT_MS }, (error) => {
      if (error !== null) {
        emit({ event: 'fault', where: `telling systemd: ${state}`, message: messageOf(error), stack: null });
      }
      resolve();
    });
  });
}

/** Plain assignments are understood by every version; the option `--reloading` is not. */
function assignments(state: DaemonState): string[] {
  switch (state) {
    case 'ready':
      return ['READY=1'];
    case 'reloading':
      // Type=notify-reload compares this with the time of its SIGHUP; hrtime is CLOCK_MONOTONIC, as it asks for.
      return ['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`];
    case 'stopping':
      return ['STOPPING=1'];
    default:
      return state satisfies never;
  }
}
