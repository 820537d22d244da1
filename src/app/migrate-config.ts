import { readFile, writeFile } from 'node:fs/promises';
import type { Diagnostic } from '../config/diagnostics.ts';
import { loadConfig, unreadable } from '../config/load.ts';
import { migrateCentauri } from '../config/migrate/centauri.ts';
import type { ByHand } from '../config/migrate/centauri-environment.ts';
import { type EnvFile, parseEnvFile } from '../config/migrate/env-file.ts';
import { messageOf, RigilError, systemCodeOf } from '../errors.ts';

export interface MigrateOptions {
  /** Centauri's environment as a file; null = that of this process. */
  readonly envFile: string | null;
  /** Centauri's route file; null = what its environment says, else `centauri.conf`. */
  readonly routes: string | null;
  /** Where the configuration goes; null = nowhere, it is in the report. */
  readonly output: string | null;
  /** An existing `output` is replaced. */
  readonly force: boolean;
}

/** `config migrate --json`. */
export interface MigrationReport {
  readonly output: string | null;
  /** The new configuration. */
  readonly text: string;
  /** The same as `config check` says of it. */
  readonly valid: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** What has no counterpart, or needs a person's eye. */
  readonly byHand: readonly ByHand[];
  /** Variables that have to be in the environment of rigil. */
  readonly environment: readonly string[];
  /** What to run next. */
  readonly commands: readonly string[];
}

/**
 * Makes a rigil.conf of Centauri's environment and route file, checks it, and writes it.
 *
 * @throws RigilError `config-unreadable` for an input, `usage` when the output exists or cannot be written
 */
export async function migrateConfig(options: MigrateOptions): Promise<MigrationReport> {
  const { envFile, output, force } = options;
  const { variables: env, unread } = await environmentOf(envFile);
  const isNetwork = env['CONFIG_SOURCE']?.toLowerCase() === 'network';
  const file = options.routes ?? (env['CONFIG'] || 'centauri.conf');
  const routes = isNetwork && options.routes === null ? null : { file, text: await read(file, 'config') };
  const { text, byHand, keep, certificates } = migrateCentauri({ env, routes, isOwnEnv: envFile !== null });
  const name = output ?? 'rigil.conf';
  const { config, diagnostics } = await loadConfig({ text, name, env: process.env, mode: 'check' });
  if (output !== null) await write(output, text, force);
  return {
    output,
    text,
    valid: config !== null,
    diagnostics,
    byHand: [
      ...unread.map((line) => ({ variable: `${envFile}:${line}`, what: 'is not NAME=value' })),
      ...byHand,
    ],
    environment: keep,
    commands: [
      `rigil config check -c ${shellWord(name)}`,
      `rigil certs import ${shellWord(certificates)} --from centauri -c ${shellWord(name)}`,
      `rigil serve -c ${shellWord(name)}`,
    ],
  };
}

async function environmentOf(file: string | null): Promise<{
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly unread: EnvFile['unread'];
}> {
  return file === null ? { variables: process.env, unread: [] } : parseEnvFile(await read(file, 'env-file'));
}

async function read(file: string, flag: 'config' | 'env-file'): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { message } = unreadable(file, error);
    throw new RigilError('config-unreadable', message, {
      hint: flag === 'config' ? "name Centauri's route file with --config FILE" : undefined,
      cause: error,
    });
  }
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') {
      throw new RigilError('usage', `${file} exists and is left as it is`, {
        hint: 'name another one, or overwrite it with --force',
        cause: error,
      });
    }
    throw new RigilError('usage', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
