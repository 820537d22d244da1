import { fileURLToPath } from 'node:url';
import { flush, run as runOclif } from '@oclif/core';
import { endSoon } from '../app/end-process.ts';
import { systemCodeOf } from '../errors.ts';
import { reportError } from './report-error.ts';

/** Root of the package, where package.json and the command manifest are. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs one command line to its end and sets the exit code of the process. Never rejects. */
export async function run(argv: readonly string[]): Promise<void> {
  endWithReader();
  try {
    await runOclif([...argv], { root: ROOT });
    await flush();
  } catch (error) {
    process.exitCode = await reportError(error, { json: argv.includes('--json') });
  }
  // A read from a disk that hangs cannot be called off, and nobody waits for it any more.
  void endSoon();
}

/** Somebody who reads the first lines only, such as `head`, has what he wanted: that is no failure, and no more is written. */
function endWithReader(): void {
  process.stdout.on('error', (error) => {
    if (systemCodeOf(error) === 'EPIPE') process.exit();
  });
}
