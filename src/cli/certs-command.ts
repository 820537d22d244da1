import { type Diagnostic, type Emit, type OfflineOptions, presentMoment } from '../app/offline.ts';
import { RigilError } from '../errors.ts';
import { RigilCommand } from './base-command.ts';
import { problemLines } from './check-report.ts';
import { interruption } from './interruption.ts';
import { startProgress } from './progress.ts';

/** What the commands that use the store have in common: configuration, progress, interruption. */
export abstract class CertsCommand extends RigilCommand {
  /** Runs `work` with progress on stderr; SIGINT and SIGTERM break it off. */
  protected async withProgress<Result>(
    config: string | undefined,
    { quiet = false }: { readonly quiet?: boolean },
    work: (options: OfflineOptions) => Promise<Result>,
  ): Promise<Result> {
    const progress = await startProgress({ quiet });
    const { signal, dispose } = interruption();
    try {
      return await work({ ...this.options(config, progress.listen), signal });
    } finally {
      dispose();
      progress.end();
    }
  }

  /** For a command that only looks: it says nothing on stderr but what is wrong with the store. */
  protected async looking<Result>(
    config: string | undefined,
    work: (options: OfflineOptions) => Promise<Result>,
  ): Promise<Result> {
    return this.withProgress(config, { quiet: true }, work);
  }

  protected get now(): number {
    return presentMoment();
  }

  protected options(config: string | undefined, listen: Emit = () => {}): OfflineOptions {
    return {
      file: this.configFile(config),
      listen,
      onInvalid: (file, diagnostics) => this.#refuse(file, diagnostics),
    };
  }

  #refuse(file: string, diagnostics: readonly Diagnostic[]): never {
    for (const line of problemLines(diagnostics, 'stderr')) this.note(line);
    throw new RigilError('config-invalid', `${file} is invalid, nothing was done`, {
      hint: `\`rigil config check -c ${file}\` explains it`,
    });
  }
}
