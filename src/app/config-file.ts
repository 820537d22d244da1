import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { plainText } from '../config/format/text.ts';
import { loadConfig } from '../config/load.ts';
import type { Parsed } from '../config/parse.ts';
import { messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';

export interface ConfigFileOptions {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Told what a server sent and is in force now. */
  readonly onTaken: (routes: RoutesText) => void;
  /** What the first reading found, and its doubts. */
  readonly config: Config;
  readonly warnings: readonly Diagnostic[];
}

/** Puts a configuration in force and returns the generation of the snapshot that it made. */
export type Change = (config: Config) => Promise<number>;

/** Routes that a server has sent, as text. */
export interface RoutesText {
  /** The server, as `config-source` names it. */
  readonly source: string;
  readonly text: Uint8Array;
}

/**
 * The configuration of a running daemon: reads its file again when told to, puts the routes in that a server sends, and
 * remembers how that went. One change after the other.
 */
export class ConfigFile {
  readonly #options: ConfigFileOptions;
  /** What the file said when it was last good. */
  #base: Config;
  /** The routes of a server that are in force instead of those of the file. */
  #routes: RoutesText | null = null;
  /** What the server has sent last, when that could not be used. */
  #refused: RoutesText | null = null;
  #loadedAt: Instant;
  #generation = 0;
  #lastError: { readonly at: string; readonly problems: readonly string[] } | null = null;
  #reloads = 0;
  #failures = 0;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Promise<void> | null = null;

  constructor(options: ConfigFileOptions) {
    this.#options = options;
    this.#base = options.config;
    this.#loadedAt = options.clock.now();
  }

  /** The first configuration is in force. */
  loaded(config: Config, generation: number): void {
    this.#succeeded(config, this.#options.warnings, generation, this.#options.clock.now());
  }

  /**
   * The configuration to start with: the file with routes that were good before. What cannot be used any more is
   * told, and the file's own routes stay.
   */
  async restore(routes: RoutesText): Promise<Config> {
    const { config, diagnostics } = await this.#withRoutes(this.#base, routes);
    if (config === null) this.#failed(routes.source, diagnostics);
    else this.#routes = routes;
    return config ?? this.#base;
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

  /** The routes in force are those of a server. */
  get hasSentRoutes(): boolean {
    return this.#routes !== null;
  }

  /** Reads the file and changes to it. Never rejects. Further calls meanwhile are one more reload, with the file of then. */
  reload(change: Change): Promise<void> {
    this.#waiting ??= this.#inTurn(async () => {
      this.#waiting = null;
      await this.#reloadOnce(change);
    });
    return this.#waiting;
  }

  /** Changes to routes that a server has sent. Never rejects; false when they were refused, or came too late. */
  take(routes: RoutesText, change: Change): Promise<boolean> {
    return this.#inTurn(() => this.#takeOnce(routes, change));
  }

  /** Changes to what is in force once more, because something else that it goes by has changed. Never rejects. */
  again(change: () => Promise<void>): Promise<void> {
    return this.#inTurn(change).catch((error: unknown) => this.#broke(this.#options.file, error));
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    // Whatever becomes of this turn, the next one comes.
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #reloadOnce(change: Change): Promise<void> {
    const { file, env, clock } = this.#options;
    const startedAt = clock.now();
    this.#reloads += 1;
    try {
      const parsed = await loadConfig({ file, env, mode: 'daemon' });
      if (parsed.config === null) return this.#failed(file, parsed.diagnostics);
      const routes = parsed.config.global.configSource === null ? null : this.#routes;
      const whole = routes === null ? parsed : await this.#withRoutes(parsed.config, routes);
      if (whole.config === null) return this.#failed(file, whole.diagnostics);
      const generation = await change(whole.config);
      this.#base = parsed.config;
      this.#routes = routes;
      const warnings = routes === null ? parsed.diagnostics : [...parsed.diagnostics, ...whole.diagnostics];
      this.#succeeded(whole.config, warnings, generation, startedAt);
    } catch (error) {
      return this.#broke(file, error);
    }
    // An issuer that it lacked may be in the file now. What has come meanwhile is newer.
    const refused = this.#refused;
    if (refused === null) return;
    void this.#inTurn(async () => {
      if (this.#refused === refused) await this.#takeOnce(refused, change);
    });
  }

  async #takeOnce(routes: RoutesText, change: Change): Promise<boolean> {
    // A reload that came before may have turned to another server.
    if (!isWantedBy(this.#base, routes)) return false;
    const startedAt = this.#options.clock.now();
    this.#reloads += 1;
    this.#refused = routes;
    try {
      const { config, diagnostics } = await this.#withRoutes(this.#base, routes);
      if (config === null) {
        this.#failed(routes.source, diagnostics);
        return false;
      }
      const generation = await change(config);
      this.#routes = routes;
      this.#refused = null;
      this.#options.onTaken(routes);
      this.#succeeded(config, diagnostics, generation, startedAt);
      return true;
    } catch (error) {
      this.#broke(routes.source, error);
      return false;
    }
  }

  #withRoutes(base: Config, routes: RoutesText): Promise<Parsed> {
    return withRoutes(base, routes, { env: this.#options.env, mode: 'daemon' });
  }

  #succeeded(
    config: Config,
    diagnostics: readonly Diagnostic[],
    generation: number,
    startedAt: Instant,
  ): void {
    const { clock, emit } = this.#options;
    this.#loadedAt = clock.now();
    this.#generation = generation;
    this.#lastError = null;
    for (const diagnostic of diagnostics) emit({ event: 'config.warning', problem: plainText(diagnostic) });
    emit({
      event: 'config.loaded',
      file: config.file,
      generation,
      routes: config.routes.length,
      warnings: diagnostics.length,
      durationMs: this.#loadedAt - startedAt,
    });
  }

  #broke(file: string, error: unknown): void {
    const hint = error instanceof RigilError && error.hint !== null ? ` (${error.hint})` : '';
    this.#reject(file, [`${file}: ${messageOf(error)}${hint}`]);
  }

  #failed(file: string, diagnostics: readonly Diagnostic[]): void {
    this.#reject(file, diagnostics.filter(({ severity }) => severity === 'error').map(plainText));
  }

  #reject(file: string, problems: readonly string[]): void {
    const { clock, emit } = this.#options;
    this.#failures += 1;
    this.#lastError = { at: new Date(clock.now()).toISOString(), problems };
    emit({ event: 'config.rejected', file, errors: problems.length, problems });
  }
}

/** The settings of `base` with the routes that a server has sent in place of its own. */
export function withRoutes(
  base: Config,
  { source, text }: RoutesText,
  reading: Pick<ConfigFileOptions, 'env'> & { readonly mode: 'daemon' | 'check' },
): Promise<Parsed> {
  return loadConfig({ text, name: source, baseDir: dirname(base.file), settings: base, ...reading });
}

function isWantedBy({ global: { configSource } }: Config, { source }: RoutesText): boolean {
  return configSource !== null && sourceUrl(configSource) === source;
}

/** A configuration server as `config-source` names it. */
export function sourceUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
