import { spawn } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import type { Diagnostic } from '../config/diagnostics.ts';
import { loadConfig } from '../config/load.ts';
import { Daemon } from './daemon.ts';
import { endAtOnce, endSoon } from './end-process.ts';
import type { LogStyle } from './log.ts';

export type { Diagnostic } from '../config/diagnostics.ts';
export type { LogStyle } from './log.ts';

export interface ServeOptions {
  readonly file: string;
  readonly logStyle: LogStyle;
  /** Whether to take the place of the daemon that runs, if there is one. */
  readonly takeOver: boolean;
  /** Told the problems of a file that cannot be served; the daemon then does not start. */
  readonly onInvalid: (diagnostics: readonly Diagnostic[]) => never;
}

const TAKE_OVER = '--take-over';

/**
 * Runs the daemon until a signal ends it: SIGHUP reloads, SIGUSR1 opens the access log
 * anew, SIGTERM and SIGINT drain and end, a second one ends at once. SIGUSR2 starts a successor, with the same arguments
 * and `--take-over`: what is installed by then.
 *
 * @throws RigilError when it cannot start
 */
export async function serve({ file, logStyle, takeOver, onInvalid }: ServeOptions): Promise<void> {
  // This process serves nobody: with ten thousand certificates it lives in 140 MB so, in 205 MB otherwise.
  setFlagsFromString('--optimize-for-size');
  // Should somebody turn Node's diagnostic reports on: tokens and passwords are in the environment.
  process.report.excludeEnv = true;
  const { env } = process;
  const { config, diagnostics } = await loadConfig({ file, env, mode: 'daemon' });
  if (config === null) return onInvalid(diagnostics);
  const daemon = new Daemon(config, diagnostics, { file, env, logStyle, takeOver });

  let asked = false;
  const stop = () => {
    if (asked) {
      daemon.kill();
      endAtOnce(1);
    }
    asked = true;
    void daemon.stop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => void daemon.reload());
  process.on('SIGUSR1', () => daemon.reopenAccessLog());
  process.on('SIGUSR2', startSuccessor);

  await daemon.start().catch((error: unknown) => {
    if (!asked) throw error;
  });
  await daemon.ended;
  await endSoon(0);
}

/** In the same unit of systemd or the same terminal; it says by itself what becomes of it. */
function startSuccessor(): void {
  const args = process.argv.slice(1).filter((arg) => arg !== TAKE_OVER);
  spawn(process.execPath, [...process.execArgv, ...args, TAKE_OVER], { stdio: 'inherit' }).unref();
}
