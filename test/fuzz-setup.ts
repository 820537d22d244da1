import fc from 'fast-check';
import { runs } from './fuzz-runs.ts';

/** Only for long runs: what a property does not say itself. */
const seconds = Number(process.env['RIGIL_FUZZ_SECONDS'] ?? 0);
if (seconds > 0) fc.configureGlobal({ numRuns: runs(100), interruptAfterTimeLimit: seconds * 1000 });
