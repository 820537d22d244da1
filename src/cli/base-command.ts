import { Command, Flags } from '@oclif/core';
import { findConfigFile } from './config-file.ts';
import { reportError } from './report-error.ts';

/**
 * What every command of rigil has in common: `-c/--config`, errors that end with the right exit code.
 *
 * A command that prints a result sets `enableJsonFlag` and returns it: with `--json` that value, and nothing else, goes
 * to stdout. Pin the type of the parsed flags (`const flags: Interfaces.InferredFlags<typeof Cmd.flags> = …`), or a
 * misspelt flag compiles.
 */
export abstract class RigilCommand extends Command {
  static override readonly baseFlags = {
    config: Flags.string({
      char: 'c',
      summary: 'Configuration file; - reads standard input.',
      description: 'Default: ./rigil.conf, then /etc/rigil/rigil.conf.',
      env: 'RIGIL_CONFIG',
      helpValue: 'FILE',
      helpGroup: 'GLOBAL',
    }),
  };

  /** The configuration file to use: the flag, RIGIL_CONFIG, or the first default that exists. */
  protected configFile(flag: string | undefined): string {
    return findConfigFile(flag);
  }

  /** Prints one line of the result. Silent with `--json`. */
  protected print(line = ''): void {
    if (!this.jsonEnabled()) process.stdout.write(`${line}\n`);
  }

  /** Prints one line about the work: never part of the result. */
  protected note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  protected override async catch(
    error: Error & { oclif?: { exit?: number }; code?: string },
  ): Promise<unknown> {
    if (error.code === 'EEXIT') throw error;
    process.exitCode = await reportError(error, { json: this.jsonEnabled() });
    return undefined;
  }

  protected override logJson(json: unknown): void {
    // oclif prints `undefined` as a line of its own when a command failed.
    if (json !== undefined) process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  }
}
