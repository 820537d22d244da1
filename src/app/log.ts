import type { LogConfig } from '../config/config.ts';
import type { Emit } from '../events/bus.ts';
import type { Level } from '../events/event.ts';
import { logger } from '../events/log.ts';
import { systemClock } from '../platform/clock.ts';
import { LineWriter } from '../platform/line-writer.ts';

const STDERR = 2;

/** How a log looks on this terminal. */
export interface LogStyle {
  readonly isTerminal: boolean;
  colour(level: Level, text: string): string;
}

/** The daemon's log on stderr: a listener of the event bus whose level and format can change with the configuration. */
export class DaemonLog {
  readonly #writer = new LineWriter(STDERR);
  readonly #style: LogStyle;
  #log: Emit;

  constructor(config: LogConfig, style: LogStyle) {
    this.#style = style;
    this.#log = this.#logger(config);
  }

  readonly listen: Emit = (event) => this.#log(event);

  configure(config: LogConfig): void {
    this.#log = this.#logger(config);
  }

  /** Resolves when everything is written, or soon after when nobody reads. */
  drain(): Promise<void> {
    return this.#writer.drain();
  }

  #logger({ level, format }: LogConfig): Emit {
    const { isTerminal, colour } = this.#style;
    return logger({
      level,
      format: format === 'auto' ? (isTerminal ? 'text' : 'json') : format,
      now: () => systemClock.now(),
      write: (line) => this.#writer.write(line),
      ...(isTerminal ? { colour } : {}),
    });
  }
}
