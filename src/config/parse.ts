import type { Config } from './config.ts';
import { type Diagnostic, Problems, WHOLE_FILE } from './diagnostics.ts';
import { frozen } from './frozen.ts';
import { readDocument } from './read.ts';
import type { ReadFile } from './read-file.ts';
import { checkCertificates } from './settle/certificates.ts';
import { checkAddresses, settleGlobal } from './settle/global.ts';
import { settleIssuers } from './settle/issuers.ts';
import { settleRoutes } from './settle/routes.ts';
import { type Damage, findDamage } from './text/decode.ts';
import { type Environment, type Mode, modeOf } from './text/settings-word.ts';

/** Largest text in bytes. */
export const LARGEST_FILE = 16 * 1024 * 1024;

export interface ParseOptions {
  /** What diagnostics call the text: a path, or `<stdin>`. */
  readonly file: string;
  readonly env: Environment;
  /** For `check`, a value that is missing in the environment is no error. */
  readonly mode: Mode;
  /**
   * Directives, in lower case, that the caller goes by although `mode` is `check`: a value that is missing there is an
   * error, rather than a default that was never meant. Default: none.
   */
  readonly needed?: readonly string[];
  /** Relative paths in the text begin here. Absolute. */
  readonly baseDir: string;
  /** Reads the certificates that the text names. Absent: what is in files is not looked at. */
  readonly readFile?: ReadFile;
  /** Damaged places that were found when the text was decoded. */
  readonly damage?: ReadonlyMap<number, Damage>;
  /** The text holds routes only; the other settings are taken from here. For routes that come over the network. */
  readonly settings?: Pick<Config, 'global' | 'issuers'>;
}

export interface Parsed {
  /** Deep-frozen; null if and only if there is an error among the diagnostics. */
  readonly config: Config | null;
  /** All problems, in the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Text to configuration: total, in time linear in the text, and pure as far as `readFile` is. */
export function parseConfig(text: string, options: ParseOptions): Parsed {
  const problems = new Problems(options.file);
  if (Buffer.byteLength(text) > LARGEST_FILE) {
    reportTooLarge(problems);
    return { config: null, diagnostics: problems.sorted() };
  }
  const body = text.startsWith('\ufeff') ? text.slice(1) : text;
  const config = build(body, options, problems);
  return { config: problems.hasErrors ? null : frozen(config), diagnostics: problems.sorted() };
}

/** Says that a text is too large to be read. */
export function reportTooLarge(problems: Problems): void {
  const message = `the configuration is larger than ${LARGEST_FILE / 1024 / 1024} MiB`;
  problems.report('file-too-large', WHOLE_FILE, message, 'is this the right file?');
}

function build(text: string, options: ParseOptions, problems: Problems): Config {
  const {
    file,
    env,
    mode,
    needed = [],
    baseDir,
    settings,
    readFile = null,
    damage = findDamage(text),
  } = options;
  const routesOnly = settings !== undefined;
  const document = readDocument(text, { env, mode, needed, baseDir, readFile, damage, routesOnly }, problems);
  const global =
    settings?.global ?? settleGlobal(document.global, { env, mode: modeOf('store', mode, needed), problems });
  const issuers = settings?.issuers ?? settleIssuers(document.issuers, document.global, problems);
  const routes = settleRoutes(document.routes, issuers, problems);
  if (!routesOnly) checkAddresses(document.global, document.issuers, problems);
  checkCertificates(routes, issuers, global, document.global, problems);
  if (document.routes.length === 0 && global.configSource === null && !problems.hasErrors) {
    problems.report(
      'no-routes',
      WHOLE_FILE,
      'there are no routes, so that nothing is proxied',
      'write one like: route example.com',
    );
  }
  return { file, global, issuers, routes: routes.map(({ config }) => config) };
}
