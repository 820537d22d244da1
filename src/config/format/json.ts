import type { Parsed } from '../parse.ts';

/** What `config check --json` prints. */
export interface CheckReport {
  readonly valid: boolean;
  readonly files: readonly string[];
  /** Routes that can be reached; 0 for an invalid configuration. */
  readonly routes: number;
  readonly diagnostics: Parsed['diagnostics'];
}

export function formatJson(file: string, { config, diagnostics }: Parsed): CheckReport {
  return { valid: config !== null, files: [file], routes: config?.routes.length ?? 0, diagnostics };
}
