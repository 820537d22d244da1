import { setFlagsFromString } from 'node:v8';
import type { Diagnostic } from '../config/diagnostics.ts';
import { loadConfig } from '../config/load.ts';
import { Daemon } from './daemon.ts';
import type { LogStyle } from './log.ts';

export type { Diagnostic } from '../config/diagnostics.ts';
export type { LogStyle } from './log.ts';

export interface ServeOptions {
  readonly file: string;
  readonly logStyle: LogStyle;
  /** Told the problems of a file that cannot be served; the daemon then does not start. */
  readonly onInvalid: (diagnostics: readonly Diagnostic[]) => never;
}

/**
 * Runs the daemon until a signal ends it: SIGHUP reloads, SIGUSR1 opens the access log
 * anew, SIGTERM and SIGINT drain and end, a second one ends at once.
 *
 * @throws RigilError when it cannot start
 */
export async function serve({ file, logStyle, onInvalid }: ServeOptions): Promise<void> {
  // This process serves nobody: with ten thousand certificates it lives in 140 MB so, in 205 MB otherwise.
  setFlagsFromString('--optimize-for-size');
  const { env } = process;
  const { config, diagnostics } = await loadConfig({ file, env, mode: 'daemon' });
  if (config === null) return onInvalid(diagnostics);
  const daemon = new Daemon(config, diagnostics, { file, env, logStyle });

  const stopped = Promise.withResolvers<void>();
  let asked = false;
  const stop = () => {
    if (asked) {
      daemon.kill();
      process.exit(1);
    }
    asked = true;
    void daemon.stop().then(stopped.resolve, stopped.reject);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => void daemon.reload());
  process.on('SIGUSR1', () => daemon.reopenAccessLog());

  await daemon.start();
  await stopped.promise;
  // A write to a pipe that nobody reads any more would keep the process alive for ever.
  process.exit(0);
}
