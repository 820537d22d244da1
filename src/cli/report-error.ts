import { exitCodeOf, RigilError } from '../errors.ts';

/** What oclif attaches to the errors that it throws itself. */
interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
  readonly code?: string;
}

/**
 * Says on stderr what went wrong: one line and, where there is one, a hint. The stack is shown only for a bug of ours.
 * With `json` the same goes to stdout as `{"error": {…}}`, so that stdout is one JSON document whatever happens.
 *
 * @returns the exit code
 */
export async function reportError(error: unknown, options: { json: boolean }): Promise<number> {
  const oclif = error instanceof Error ? (error as OclifError) : undefined;
  if (oclif?.code === 'EEXIT') return oclif.oclif?.exit ?? 0;

  const { chalkStderr: colour } = await import('chalk');
  const known = described(error);
  process.stderr.write(`${colour.red('error:')} ${known.message}\n`);
  if (known.hint !== null) process.stderr.write(`${colour.cyan('hint:')} ${known.hint}\n`);
  if (known.stack !== null) process.stderr.write(`\n${known.stack}\n`);
  if (options.json) {
    const { code, message, hint } = known;
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint } }, null, 2)}\n`);
  }
  return known.exit;
}

interface Description {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly stack: string | null;
  readonly exit: number;
}

function described(error: unknown): Description {
  if (error instanceof RigilError) {
    const { code, message, hint } = error;
    return {
      code,
      message,
      hint,
      stack: code === 'internal' ? (error.stack ?? null) : null,
      exit: exitCodeOf(error),
    };
  }
  const usage = error instanceof Error ? (error as OclifError).oclif?.exit : undefined;
  if (error instanceof Error && usage !== undefined) {
    // oclif says how many errors follow, then each on a line of its own, then where help is to be had.
    const lines = error.message
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^(The following error|See more help)/.test(line));
    const hint = 'see what there is with --help';
    return { code: 'usage', message: lines.join('; ') || 'wrong usage', hint, stack: null, exit: usage };
  }
  return {
    code: 'internal',
    message: `this is a bug in rigil: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'please report it with the lines below and what you did',
    stack: error instanceof Error ? (error.stack ?? null) : null,
    exit: exitCodeOf(error),
  };
}
