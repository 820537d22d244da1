import { type CheckReport, formatJson } from '../config/format/json.ts';
import { formatSarif } from '../config/format/sarif.ts';
import { loadConfig } from '../config/load.ts';
import { VERSION } from './version.ts';

export type { Diagnostic } from '../config/diagnostics.ts';
export { formatGithub } from '../config/format/github.ts';
export type { CheckReport } from '../config/format/json.ts';
export { formatText, type Paint } from '../config/format/text.ts';

/**
 * Checks a configuration file (`-` is standard input) as `rigil config check` does: offline, and without the secrets
 * that the daemon has in its environment.
 *
 * @throws RigilError `config-unreadable`
 */
export async function checkConfig(file: string): Promise<CheckReport> {
  const parsed = await loadConfig({ file, env: process.env, mode: 'check' });
  return formatJson(file === '-' ? '<stdin>' : file, parsed);
}

/** The SARIF log of a report. */
export function sarifOf(report: CheckReport): object {
  return formatSarif(report.files[0] ?? '', report.diagnostics, VERSION);
}
