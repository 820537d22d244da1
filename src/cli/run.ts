import { fileURLToPath } from 'node:url';
import { flush, run as runOclif } from '@oclif/core';
import { reportError } from './report-error.ts';

/** Root of the package, where package.json and the command manifest are. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs one command line to its end and sets the exit code of the process. Never rejects. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await runOclif([...argv], { root: ROOT });
    await flush();
  } catch (error) {
    process.exitCode = await reportError(error, { json: argv.includes('--json') });
  }
}
