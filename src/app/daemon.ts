import { availableParallelism } from 'node:os';
import { AdminServer } from '../admin/server.ts';
import { CertificateManager } from '../certs/manager.ts';
import type { StoreLock } from '../certs/ports.ts';
import { ServingBoard } from '../challenges/board.ts';
import { StoredAnswers } from '../challenges/stored-board.ts';
import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { messageOf, RigilError } from '../errors.ts';
import { EventBus } from '../events/bus.ts';
import { StapleKeeper } from '../ocsp/staple-keeper.ts';
import { addressText } from '../platform/bind.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFetch } from '../platform/fetch.ts';
import { systemRandom } from '../platform/random.ts';
import { buildTable, servingSettings } from '../routing/build.ts';
import { Publisher } from '../snapshot/publisher.ts';
import { emptySnapshot } from '../snapshot/snapshot.ts';
import type { FileStore } from '../store/file-store.ts';
import { AttemptCounter } from './attempts.ts';
import { ConfigFile } from './config-file.ts';
import { DaemonStatus } from './daemon-status.ts';
import { Issuers } from './issuers.ts';
import { DaemonLog, type LogStyle } from './log.ts';
import { ServedCertificates } from './served-certificates.ts';
import { openStore } from './store.ts';
import { notifySystemd } from './systemd.ts';
import { VERSION } from './version.ts';
import { wantedOf } from './wanted.ts';
import { bindListeners, type OpenListener } from './workers/listener-set.ts';
import { WorkerPool } from './workers/worker-pool.ts';

/** How long what runs may still take when the daemon or a worker ends, in milliseconds. */
const DRAIN = { requestsMs: 30_000, streamsMs: 600_000 };
const TICKET_KEY_BYTES = 48;

export interface DaemonOptions {
  /** The configuration file; it is read again on every reload. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logStyle: LogStyle;
}

/**
 * The control process of `rigil serve`: everything but serving.
 *
 * `start` brings up store, sockets, what the store holds, workers, and last the certificate work, in this order, so
 * that nothing that is slow comes before serving.
 */
export class Daemon {
  readonly #startedAt = systemClock.now();
  readonly #bus = new EventBus((fault) => this.#fault('event listener', fault));
  readonly #publisher = new Publisher({ ...emptySnapshot, ticketKeys: systemRandom.bytes(TICKET_KEY_BYTES) });
  readonly #attempts = new AttemptCounter();
  readonly #log: DaemonLog;
  readonly #file: ConfigFile;
  readonly #store: FileStore;
  readonly #pool: WorkerPool;
  readonly #issuers: Issuers;
  readonly #manager: CertificateManager;
  readonly #answers: StoredAnswers;
  readonly #stopping = new AbortController();
  #config: Config;
  #listeners: readonly OpenListener[] = [];
  #admin: { readonly address: string; readonly server: AdminServer } | null = null;
  #lock: StoreLock | null = null;
  #unwatchAnswers: () => void = () => {};

  /** @param config what `file` says now */
  constructor(config: Config, warnings: readonly Diagnostic[], options: DaemonOptions) {
    const { emit } = this.#bus;
    this.#config = config;
    this.#log = new DaemonLog(config.global.log, options.logStyle);
    this.#bus.subscribe(this.#log.listen);
    this.#bus.subscribe(this.#attempts.listen);
    this.#bus.subscribe((event) => {
      if (event.event === 'certificate.waiting') this.#manager.prioritise(event.id);
    });
    const tools = { clock: systemClock, random: systemRandom, emit };
    this.#file = new ConfigFile({ file: options.file, env: options.env, clock: systemClock, emit, warnings });
    this.#store = openStore(config, tools);
    this.#pool = new WorkerPool({ publisher: this.#publisher, ...tools });
    const board = new ServingBoard(
      (challenges) => void this.#publisher.update((current) => ({ ...current, challenges })),
      (signal) => this.#pool.caughtUp(signal),
    );
    this.#answers = new StoredAnswers(this.#store.documents, board, systemClock, (fault) =>
      this.#fault('challenges', fault),
    );
    this.#issuers = new Issuers({ store: this.#store, board, env: options.env, ...tools });
    const staples = new StapleKeeper({
      documents: this.#store.documents,
      fetch: systemFetch,
      onChange: () => publish(),
      ...tools,
    });
    const served = new ServedCertificates((fingerprint) => staples.stapleOf(fingerprint));
    const publish = () => {
      const certificates = served.of(this.#manager.certificates);
      this.#publisher.update((current) => ({ ...current, certificates }));
    };
    this.#manager = new CertificateManager({ store: this.#store, staples, publish, ...tools });
  }

  /** @throws RigilError when it cannot start; then nothing is left running */
  async start(): Promise<void> {
    try {
      this.#lock = await this.#store.acquireDaemonLock({ signal: this.#stopping.signal });
      await this.#bind(this.#config);
      await this.#manager.load();
      this.#apply(this.#config);
      await this.#runWorkers(this.#config);
      await this.#openAdmin(this.#config);
    } catch (error) {
      this.#pool.killAll();
      await this.#close();
      throw error;
    }
    this.#file.loaded(this.#config, this.#publisher.current.generation);
    this.#manager.start();
    this.#unwatchAnswers = this.#answers.watch();
    this.#bus.emit({
      event: 'daemon.ready',
      version: VERSION,
      pid: process.pid,
      durationMs: systemClock.now() - this.#startedAt,
    });
    await notifySystemd('ready');
  }

  /**
   * Reads the file again. If anything is wrong with it everything stays as it is, and the log and the status say what.
   * Calls while a reload is under way are one more reload after it.
   */
  reload(): Promise<void> {
    return this.#file.reload(async (config) => {
      await notifySystemd('reloading');
      await this.#change(config);
      this.#config = config;
      return this.#publisher.current.generation;
    });
  }

  /** Finishes what runs, then ends. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await notifySystemd('stopping');
    const startedAt = systemClock.now();
    this.#bus.emit({ event: 'drain.started', requestsMs: DRAIN.requestsMs });
    for (const listener of this.#listeners) listener.close();
    const [cut] = await Promise.all([this.#pool.drain(DRAIN), this.#manager.stop()]);
    this.#bus.emit({ event: 'drain.finished', durationMs: systemClock.now() - startedAt, cut });
    await this.#close();
    this.#bus.emit({ event: 'daemon.stopped', uptimeMs: systemClock.now() - this.#startedAt });
    await this.#log.drain();
  }

  /** Ends at once. */
  kill(): void {
    this.#pool.killAll();
  }

  async #change(config: Config): Promise<void> {
    const before = this.#config.global;
    const after = config.global;
    if (JSON.stringify(before.store) !== JSON.stringify(after.store)) {
      throw new RigilError(
        'config-invalid',
        'another store takes a restart: this one holds what is being served',
        {
          hint: 'restart rigil to use the new store',
        },
      );
    }
    const issuers = this.#issuers.of(config);
    const former = this.#listeners;
    const moved =
      JSON.stringify([before.http, before.https, before.workers]) !==
      JSON.stringify([after.http, after.https, after.workers]);
    if (moved) await this.#bind(config);
    this.#apply(config, issuers);
    this.#log.configure(after.log);
    if (moved) await this.#runWorkers(config, former);
    await this.#openAdmin(config);
  }

  /** The one assignment: from here on every new handshake and request goes by this configuration. */
  #apply(config: Config, issuers = this.#issuers.of(config)): void {
    const { wanted, idOfRoute } = wantedOf(config);
    const table = buildTable(config, idOfRoute);
    this.#publisher.update((current) => ({ ...current, table, settings: servingSettings(config) }));
    this.#manager.setWanted(wanted, issuers);
  }

  async #bind({ global: { http, https } }: Config): Promise<void> {
    this.#listeners = await bindListeners({ http, https }, this.#listeners);
  }

  async #runWorkers({ global }: Config, former: readonly OpenListener[] = []): Promise<void> {
    const count = global.workers === 'auto' ? availableParallelism() : global.workers;
    await this.#pool.run(this.#listeners, count, DRAIN);
    for (const listener of former) if (!this.#listeners.includes(listener)) listener.close();
    for (const { role, address } of this.#listeners) {
      this.#bus.emit({ event: 'listener.opened', role, address });
    }
  }

  async #openAdmin({ global: { admin } }: Config): Promise<void> {
    const address = admin === null ? null : addressText(admin);
    if (this.#admin?.address === address) return;
    const former = this.#admin;
    this.#admin = null;
    if (admin !== null && address !== null) {
      const server = new AdminServer(this.#status());
      await server.listen(admin);
      this.#admin = { address, server };
      this.#bus.emit({ event: 'listener.opened', role: 'admin', address });
    }
    await former?.server.close();
  }

  #status(): DaemonStatus {
    return new DaemonStatus({
      startedAt: this.#startedAt,
      clock: systemClock,
      config: () => this.#config,
      file: this.#file,
      pool: this.#pool,
      manager: this.#manager,
      publisher: this.#publisher,
      attempts: this.#attempts.byId,
    });
  }

  async #close(): Promise<void> {
    this.#unwatchAnswers();
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    await this.#admin?.server.close();
    this.#admin = null;
    await this.#lock?.release();
    this.#lock = null;
  }

  #fault(where: string, fault: unknown): void {
    const stack = fault instanceof Error ? (fault.stack ?? null) : null;
    this.#bus.emit({ event: 'fault', where, message: messageOf(fault), stack });
  }
}
