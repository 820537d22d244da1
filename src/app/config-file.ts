import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { plainText } from '../config/format/text.ts';
import { loadConfig } from '../config/load.ts';
import { messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';

export interface ConfigFileOptions {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Those of the first reading. */
  readonly warnings: readonly Diagnostic[];
}

/** Puts a configuration in force and returns the generation of the snapshot that it made. */
export type Change = (config: Config) => Promise<number>;

/** The configuration file of a running daemon: reads it again when told to, and remembers how that went. */
export class ConfigFile {
  readonly #options: ConfigFileOptions;
  #loadedAt: Instant;
  #generation = 0;
  #lastError: { readonly at: string; readonly problems: readonly string[] } | null = null;
  #reloads = 0;
  #failures = 0;
  #running: Promise<void> | null = null;
  #again = false;

  constructor(options: ConfigFileOptions) {
    this.#options = options;
    this.#loadedAt = options.clock.now();
  }

  /** The first configuration is in force. */
  loaded(config: Config, generation: number): void {
    this.#succeeded(config, this.#options.warnings, generation, this.#options.clock.now());
  }

  /** As `status --json` prints it. */
  get state() {
    return {
      file: this.#options.file,
      loadedAt: new Date(this.#loadedAt).toISOString(),
      generation: this.#generation,
      lastError: this.#lastError,
    };
  }

  get reloads(): { readonly total: number; readonly failed: number } {
    return { total: this.#reloads, failed: this.#failures };
  }

  /** Reads the file and changes to it. Never rejects. Further calls meanwhile are one more reload, with the file of then. */
  async reload(change: Change): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#reloadUntilQuiet(change);
    await this.#running;
  }

  async #reloadUntilQuiet(change: Change): Promise<void> {
    do {
      this.#again = false;
      await this.#reloadOnce(change);
    } while (this.#again);
    this.#running = null;
  }

  async #reloadOnce(change: Change): Promise<void> {
    const { file, env, clock } = this.#options;
    const startedAt = clock.now();
    this.#reloads += 1;
    try {
      const { config, diagnostics } = await loadConfig({ file, env, mode: 'daemon' });
      if (config === null) {
        return this.#failed(diagnostics.filter(({ severity }) => severity === 'error').map(plainText));
      }
      this.#succeeded(config, diagnostics, await change(config), startedAt);
    } catch (error) {
      const hint = error instanceof RigilError && error.hint !== null ? ` (${error.hint})` : '';
      this.#failed([`${file}: ${messageOf(error)}${hint}`]);
    }
  }

  #succeeded(
    config: Config,
    diagnostics: readonly Diagnostic[],
    generation: number,
    startedAt: Instant,
  ): void {
    const { file, clock, emit } = this.#options;
    this.#loadedAt = clock.now();
    this.#generation = generation;
    this.#lastError = null;
    for (const diagnostic of diagnostics) emit({ event: 'config.warning', problem: plainText(diagnostic) });
    emit({
      event: 'config.loaded',
      file,
      generation,
      routes: config.routes.length,
      warnings: diagnostics.length,
      durationMs: this.#loadedAt - startedAt,
    });
  }

  #failed(problems: readonly string[]): void {
    const { file, clock, emit } = this.#options;
    this.#failures += 1;
    this.#lastError = { at: new Date(clock.now()).toISOString(), problems };
    emit({ event: 'config.rejected', file, errors: problems.length, problems });
  }
}
