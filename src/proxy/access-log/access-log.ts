import { messageOf } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { AccessLogSettings, ServingSettings, Snapshot } from '../../snapshot/snapshot.ts';
import type { Counters } from '../counters.ts';
import { defaultPage } from '../default-page.ts';
import type { RequestHead } from '../exchange.ts';
import { plainAddress } from '../trusted-peers.ts';
import { DroppedLines } from './dropped-lines.ts';
import type { AccessEntry } from './entry.ts';
import { lineOf } from './format.ts';
import { LineQueue, type LineSink } from './line-queue.ts';
import { AccessRecord } from './record.ts';

/** Longest wait for the last lines, in milliseconds. */
const FLUSH_MS = 2_000;

export interface AccessLogOptions {
  readonly current: () => Snapshot;
  /** Where lines go with these settings. */
  readonly openSink: (settings: AccessLogSettings) => LineSink;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Where a worker's finished requests are told. */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #dropped: DroppedLines;
  #output: {
    readonly settings: AccessLogSettings;
    readonly sink: LineSink;
    readonly queue: LineQueue;
  } | null = null;
  /** The former outputs are closed one after the other. */
  #closed: Promise<void> = Promise.resolve();

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#dropped = new DroppedLines(options.emit);
  }

  /** Writes as the current snapshot wants it from now on; what waits still goes where it was to go. */
  configure(): void {
    const settings = this.#settings.accessLog;
    const former = this.#output;
    if (JSON.stringify(settings) === JSON.stringify(former?.settings ?? null)) return;
    this.#output = settings === null ? null : this.#open(settings);
    if (former !== null) {
      this.#closed = this.#closed.then(() => former.queue.flush()).then(() => former.sink.close());
    }
  }

  /** Starts to follow a request; null when requests are not logged. */
  begin(request: RequestHead): AccessRecord | null {
    if (this.#output === null) return null;
    return new AccessRecord(request, this.#settings, this.#options.clock.now());
  }

  /** The end of a request. */
  finish(record: AccessRecord, status: number, route: string, complete: boolean): void {
    this.#write(record.entry(status, route, complete));
  }

  /** What came was no request, and `status` was all that was said to it. */
  refused(status: number, scheme: 'http' | 'https', remoteAddress: string | null): void {
    const peerAddress = remoteAddress === null ? null : plainAddress(remoteAddress);
    this.#write({
      time: this.#options.clock.now(),
      remoteAddress: peerAddress,
      peerAddress,
      method: null,
      host: null,
      target: null,
      protocol: null,
      scheme,
      status,
      complete: true,
      bytesSent: defaultPage(status).body.length ?? 0,
      bytesReceived: 0,
      durationMs: 0,
      route: null,
      upstream: null,
      upstreamMs: null,
      userAgent: null,
      referer: null,
    });
  }

  /** The file has been moved away: what is written from now on goes into a new one. */
  reopen(): void {
    const path = this.#output?.settings.file ?? null;
    if (path === null) return;
    const { emit } = this.#options;
    this.#output?.sink.reopen().then(
      () => emit({ event: 'access-log.reopened', path, pid: process.pid }),
      (error: unknown) => emit({ event: 'access-log.failed', path, message: messageOf(error) }),
    );
  }

  /** Resolves when all lines are written, or soon after when they cannot be. */
  async flush(): Promise<void> {
    const over = new AbortController();
    const written = Promise.all([this.#closed, this.#output?.queue.flush()]);
    await Promise.race([written, this.#options.clock.sleep(FLUSH_MS, over.signal)]);
    over.abort();
  }

  #write(entry: AccessEntry): void {
    const output = this.#output;
    output?.queue.push(lineOf(entry, output.settings.format));
  }

  get #settings(): ServingSettings {
    return this.#options.current().settings;
  }

  #open(settings: AccessLogSettings) {
    const sink = this.#options.openSink(settings);
    const queue = new LineQueue(sink, (count, reason) => {
      this.#options.counters.accessLogDropped(count);
      this.#dropped.add(count, reason);
    });
    return { settings, sink, queue };
  }
}
