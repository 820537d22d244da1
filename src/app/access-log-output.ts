import type { AccessLogConfig } from '../config/config.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { LineWriter } from '../platform/line-writer.ts';
import { DroppedLines } from '../proxy/access-log/dropped-lines.ts';
import { type OpenAccessLog, openAccessLog } from './access-log.ts';

const STDOUT = 1;

/** How long lines for a former target may be on their way from the workers, in milliseconds. */
const LINGER_MS = 3_000;

/** The access log in the control process: sees to it that it can be written, and writes what workers do not. */
export class AccessLogOutput {
  readonly #clock: Clock;
  readonly #dropped: DroppedLines;
  #config: AccessLogConfig | null = null;
  #opened: OpenAccessLog | null = null;
  /** Of the last target that had one. */
  #writer: LineWriter | null = null;
  /** Made when it is wanted, and kept: the descriptor is the process' own. */
  #stdout: LineWriter | null = null;

  constructor({ clock, emit }: { readonly clock: Clock; readonly emit: Emit }) {
    this.#clock = clock;
    this.#dropped = new DroppedLines(emit);
  }

  /**
   * Opens what a configuration wants. Nothing has changed yet.
   *
   * @throws RigilError `access-log-unwritable`
   */
  async open(config: AccessLogConfig | null): Promise<OpenAccessLog | null> {
    if (config === null) return null;
    const kept = this.#opened?.writer != null && JSON.stringify(config) === JSON.stringify(this.#config);
    return kept ? this.#opened : openAccessLog(config, () => this.#openStdout());
  }

  /** From now on it goes there. */
  use(config: AccessLogConfig | null, opened: OpenAccessLog | null): void {
    const former = this.#opened?.writer ?? null;
    this.#config = config;
    this.#opened = opened;
    this.#writer = opened?.writer ?? this.#writer;
    if (former === null || former === opened?.writer) return;
    const stop = this.#clock.every(LINGER_MS, () => {
      stop();
      // The standard output may be wanted again by now.
      if (this.#opened?.writer === former) return;
      if (this.#writer === former) this.#writer = null;
      if (former !== this.#stdout) former.close();
    });
  }

  /** Closes what was opened in vain. */
  giveUp(opened: OpenAccessLog | null): void {
    const writer = opened?.writer ?? null;
    if (writer !== this.#stdout && opened !== this.#opened) writer?.close();
  }

  /** Writes what a worker has; false when it is lost. */
  readonly receive = (lines: Uint8Array, count: number): boolean => {
    const taken = this.#writer?.offer(lines) === true;
    if (!taken) this.#dropped.add(count, null);
    return taken;
  };

  /** Resolves when all is written, or soon after when nobody reads. */
  async drain(): Promise<void> {
    await this.#writer?.drain();
  }

  #openStdout(): LineWriter {
    this.#stdout ??= new LineWriter(STDOUT);
    return this.#stdout;
  }
}
