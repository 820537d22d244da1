import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { loadConfig } from '../config/load.ts';
import { masked } from '../config/mask.ts';
import { showConfig } from '../config/show.ts';

/** The effective configuration without its secrets, or null when the file is invalid. */
export interface EffectiveConfig {
  /** As messages call it. */
  readonly file: string;
  readonly config: Config | null;
  /** In the language of the configuration. */
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a configuration file (`-` is standard input) for showing it. Variables that are not set here are left out.
 *
 * @throws RigilError `config-unreadable`
 */
export async function effectiveConfig(file: string): Promise<EffectiveConfig> {
  const { config, diagnostics } = await loadConfig({ file, env: process.env, mode: 'check' });
  const name = file === '-' ? '<stdin>' : file;
  if (config === null) return { file: name, config, text: '', diagnostics };
  const safe = masked(config);
  return { file: name, config: safe, text: showConfig(safe), diagnostics };
}
