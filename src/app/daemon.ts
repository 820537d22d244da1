import { availableParallelism } from 'node:os';
import { AdminServer } from '../admin/server.ts';
import { CertificateManager } from '../certs/manager.ts';
import type { Issuer } from '../certs/ports.ts';
import { reportProblem } from '../certs/store-access.ts';
import { ServingBoard } from '../challenges/board.ts';
import { StoredAnswers } from '../challenges/stored-board.ts';
import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import { EventBus } from '../events/bus.ts';
import { StapleKeeper } from '../ocsp/staple-keeper.ts';
import { unlessAborted } from '../platform/abort.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFetch } from '../platform/fetch.ts';
import { systemRandom } from '../platform/random.ts';
import { buildTable, servingSettings } from '../routing/build.ts';
import { Publisher } from '../snapshot/publisher.ts';
import { emptySnapshot } from '../snapshot/snapshot.ts';
import type { Store } from '../store/store.ts';
import type { OpenAccessLog } from './access-log.ts';
import { AccessLogOutput } from './access-log-output.ts';
import { AttemptCounter } from './attempts.ts';
import { ConfigFile } from './config-file.ts';
import { connectionCaps, meansOfMachine } from './connection-caps.ts';
import { DaemonStatus } from './daemon-status.ts';
import { tellExposedSecrets } from './exposed-secrets.ts';
import { fleetBoard, followFleet } from './fleet.ts';
import { recallFormer } from './former-certificates.ts';
import { HandOver } from './hand-over.ts';
import { Issuers } from './issuers.ts';
import { DaemonLog, type LogStyle } from './log.ts';
import { startOcspUpkeep } from './ocsp-upkeep.ts';
import { paced } from './paced.ts';
import { Responders } from './responders.ts';
import { RoutesSource } from './routes-source.ts';
import { ServedCertificates } from './served-certificates.ts';
import { type OpenSockets, Sockets } from './sockets.ts';
import { StickyTokens } from './sticky-tokens.ts';
import { localDirectory, openStore } from './store.ts';
import { StoreWatch } from './store-watch.ts';
import { Succession } from './succession.ts';
import { type DaemonState, notifySystemd } from './systemd.ts';
import { TailnetAccess } from './tailnet-access.ts';
import { isStoreAway, TicketKeys } from './ticket-keys.ts';
import { UpstreamHealth } from './upstream-health.ts';
import { VERSION } from './version.ts';
import { wantedOf } from './wanted.ts';
import { WorkerPool } from './workers/worker-pool.ts';

/** How long what runs may still take when the daemon or a worker ends, in milliseconds. */
const DRAIN = { requestsMs: 30_000, streamsMs: 600_000 };
/** For a start that has failed, where few will have been let in. */
const SHORT_DRAIN = { requestsMs: 5_000, streamsMs: 5_000 };
/** How long certificate work that is under way may take when a successor wants to take over, in milliseconds. */
const REST_MS = 20_000;
/** Thousands of staples may come in at once, and each snapshot is made of all certificates. */
const STAPLE_PACE_MS = 250;
/** The same for certificates: a local CA makes dozens in a second. A few cost nothing, and are shown without delay. */
const publishPaceMs = (certificates: number): number => Math.min(100, certificates / 100);

export interface DaemonOptions {
  /** The configuration file; it is read again on every reload. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logStyle: LogStyle;
  /** Whether to take the place of the daemon that runs, if there is one. */
  readonly takeOver: boolean;
}

/**
 * The control process of `rigil serve`: everything but serving. Long because it is where all parts are put together; what
 * each of them does is in a file of its own.
 *
 * `start` brings up store, sockets, what the store holds, workers, and last the certificate work, in this order, so
 * that nothing that is slow comes before serving.
 */
export class Daemon {
  readonly #startedAt = systemClock.now();
  readonly #bus = new EventBus((fault) => this.#fault('event listener', fault));
  readonly #publisher = new Publisher(emptySnapshot);
  readonly #attempts = new AttemptCounter();
  readonly #log: DaemonLog;
  readonly #accessLog: AccessLogOutput;
  readonly #file: ConfigFile;
  readonly #routes: RoutesSource;
  readonly #store: Store;
  readonly #ticketKeys: TicketKeys;
  readonly #stickyTokens: StickyTokens;
  readonly #storeWatch: StoreWatch;
  readonly #pool: WorkerPool;
  readonly #issuers: Issuers;
  readonly #responders = new Responders();
  readonly #manager: CertificateManager;
  readonly #publishCertificates: () => void;
  readonly #served: ServedCertificates;
  readonly #staples: StapleKeeper;
  readonly #answers: StoredAnswers;
  readonly #sockets = new Sockets(this.#bus.emit);
  readonly #tailnet = new TailnetAccess({
    clock: systemClock,
    emit: this.#bus.emit,
    onChange: () => this.#changeAgain(),
  });
  readonly #health = new UpstreamHealth({
    clock: systemClock,
    random: systemRandom,
    emit: this.#bus.emit,
    onChange: (down) => void this.#publisher.update((current) => ({ ...current, down })),
  });
  readonly #stopping = new AbortController();
  readonly #handOver = new HandOver({
    sockets: () => this.#sockets.all,
    stopping: this.#stopping.signal,
    rest: async () => {
      this.#routes.stop();
      await this.#manager.rest(REST_MS);
    },
    goOn: () => {
      this.#manager.endRest();
      this.#routes.follow(this.#config.global.configSource);
    },
    end: () => void this.#end(),
  });
  readonly #succession: Succession;
  readonly #options: DaemonOptions;
  /** Resolves when `start` has ended, either way. */
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #isRunning = false;
  /** Opened by a start that has not ended: left open, it would keep a process alive that cannot start. */
  #opening: OpenSockets | null = null;
  #config: Config;
  #unwatch: readonly (() => void)[] = [];

  /** @param config what `file` says now */
  constructor(config: Config, warnings: readonly Diagnostic[], options: DaemonOptions) {
    const { emit } = this.#bus;
    this.#config = config;
    this.#options = options;
    this.#log = new DaemonLog(config.global.log, options.logStyle);
    this.#bus.subscribe(this.#log.listen);
    this.#bus.subscribe(this.#attempts.listen);
    this.#bus.subscribe((event) => {
      if (event.event === 'certificate.waiting') this.#manager.prioritise(event.id);
    });
    const tools = { clock: systemClock, random: systemRandom, emit };
    const { file, env } = options;
    this.#file = new ConfigFile({
      file,
      env,
      clock: systemClock,
      emit,
      config,
      warnings,
      onTaken: (routes) => this.#routes.keep(routes),
    });
    this.#store = openStore(config.global.store, { ...tools, env, keepsCopy: true });
    const useKeys = (ticketKeys: Uint8Array) =>
      void this.#publisher.update((current) => ({ ...current, ticketKeys }));
    this.#ticketKeys = new TicketKeys({
      store: this.#store,
      use: useKeys,
      onFault: (fault) => this.#storeFault('ticket keys', fault),
      ...tools,
    });
    useKeys(this.#ticketKeys.keys);
    this.#stickyTokens = new StickyTokens({
      store: this.#store,
      onChange: () => this.#changeAgain(),
      ...tools,
    });
    this.#storeWatch = new StoreWatch({
      store: this.#store,
      onWritable: () => this.#manager.resume(),
      ...tools,
    });
    this.#succession = new Succession({
      directory: localDirectory(config.global.store, env),
      acquire: (how) => this.#storeWatch.take(this.#stopping.signal, how),
      signal: this.#stopping.signal,
      ...tools,
    });
    this.#routes = new RoutesSource({
      documents: this.#store.documents,
      take: (routes) => this.#file.take(routes, this.#changeTo),
      ...tools,
    });
    this.#accessLog = new AccessLogOutput(tools);
    const onAccessLines = this.#accessLog.receive;
    this.#pool = new WorkerPool({ publisher: this.#publisher, onAccessLines, ...tools });
    const here = new ServingBoard(
      (challenges) => void this.#publisher.update((current) => ({ ...current, challenges })),
      (signal) => this.#pool.caughtUp(signal),
    );
    const board = fleetBoard(this.#store, here, tools);
    const onFault = (fault: unknown) => this.#storeFault('challenges', fault);
    const node = this.#store.fleet?.node ?? '';
    this.#answers = new StoredAnswers(this.#store.documents, here, systemClock, onFault, { node });
    this.#issuers = new Issuers({ store: this.#store, board, env, ...tools });
    this.#staples = new StapleKeeper({
      documents: this.#store.documents,
      fetch: systemFetch,
      onChange: paced(
        () => publish(),
        systemClock,
        () => STAPLE_PACE_MS,
      ),
      ...tools,
    });
    this.#served = new ServedCertificates(this.#staples, () => systemClock.now());
    const publish = () => {
      const { certificates, revokedReplaced } = this.#served.of(this.#manager.certificates);
      if (certificates === this.#publisher.current.certificates) return;
      const ticketKeys = revokedReplaced ? this.#ticketKeys.rotate() : this.#ticketKeys.keys;
      this.#publisher.update((current) => ({ ...current, certificates, ticketKeys }));
    };
    this.#publishCertificates = publish;
    this.#manager = new CertificateManager({
      store: this.#store,
      staples: this.#staples,
      publish: paced(publish, systemClock, () => publishPaceMs(this.#manager.certificates.size)),
      ...tools,
    });
  }

  /** Resolves when it has ended, because it was told to or because a successor has taken its place. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** @throws RigilError when it cannot start, `aborted` when it was stopped meanwhile; then nothing is left running */
  async start(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      await Promise.all([this.#pool.drain(SHORT_DRAIN), this.#manager.stop()]);
      if (this.#opening !== null) await this.#sockets.giveUp(this.#opening);
      await this.#close();
      throw error;
    } finally {
      this.#started.resolve();
    }
    this.#file.loaded(this.#config, this.#publisher.current.generation);
    this.#manager.start();
    void this.#storeWatch.follow(this.#stopping.signal);
    this.#routes.follow(this.#config.global.configSource);
    this.#tailnet.follow(this.#config.global.tailscale);
    void tellExposedSecrets(this.#config, this.#bus.emit);
    this.#unwatch = [
      ...this.#unwatch,
      this.#ticketKeys.watch(),
      this.#stickyTokens.watch(),
      this.#startOcspUpkeep(),
    ];
    this.#bus.emit({
      event: 'daemon.ready',
      version: VERSION,
      pid: process.pid,
      durationMs: systemClock.now() - this.#startedAt,
    });
    await this.#tellSystemd('ready');
  }

  /** Everything that can fail or take long. Where a former daemon serves, it does so until the end of this. */
  async #begin(): Promise<void> {
    this.#sockets.adopt(await this.#unlessStopped(this.#succession.begin(this.#options.takeOver)));
    const { signal } = this.#stopping;
    const routes = await unlessAborted(this.#routes.recall(this.#config.global.configSource), signal);
    if (routes !== null) this.#config = await this.#file.restore(routes);
    const accessLog = await this.#accessLog.open(this.#config.global.accessLog);
    await this.#tailnet.look(this.#config.global.tailscale);
    const sockets = await this.#open(this.#config);
    this.#opening = sockets;
    // A store that hangs would keep it from ending.
    await unlessAborted(
      Promise.all([
        this.#load(),
        this.#staples.recallAll(),
        this.#stickyTokens.recall(),
        this.#ticketKeys.start(),
      ]),
      signal,
    );
    this.#apply(this.#config, this.#issuers.of(this.#config), accessLog);
    // Without a certificate and without a place to put one it would serve nobody.
    if (this.#manager.certificates.size === 0) this.#storeWatch.mustBeWritable();
    const onFault = (fault: unknown) => this.#storeFault('certificates', fault);
    const recalled = recallFormer(this.#served, this.#manager.certificates, this.#store, onFault);
    await unlessAborted(recalled, signal);
    this.#publishCertificates();
    // Before the workers: a CA may look for an answer at any of them.
    this.#unwatch = [this.#answers.watch(), followFleet(this.#store, this.#answers, this.#staples)];
    await this.#unlessStopped(this.#startWorkers(this.#config, sockets));
    await this.#succession.complete(() => this.#pool.outlive());
    await this.#sockets.switchTo(sockets);
    this.#opening = null;
    await this.#succession.open(this.#handOver);
    await this.#unlessStopped(Promise.resolve());
    this.#isRunning = true;
  }

  async #unlessStopped<Result>(step: Promise<Result>): Promise<Result> {
    const result = await step;
    this.#stopping.signal.throwIfAborted();
    return result;
  }

  /**
   * Reads the file again. If anything is wrong with it everything stays as it is, and the log and the status say what.
   * Calls while a reload is under way are one more reload after it; calls during the start are one after that.
   */
  async reload(): Promise<void> {
    await this.#started.promise;
    if (!this.#isRunning) return;
    const told = this.#tellSystemd('reloading');
    await this.#file.reload(this.#changeTo);
    await told;
    await this.#tellSystemd('ready');
  }

  /** Finishes what runs, then ends. During the start: `start` breaks off. */
  async stop(): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.ended;
    this.#stopping.abort(new RigilError('aborted', 'it was stopped before it was ready'));
    if (this.#isRunning) {
      // Told to stop while a successor gets ready: its sockets are these, and it is to have them.
      await this.#finish(await this.#handOver.followed);
    } else {
      void this.#pool.drain(DRAIN);
      await this.#started.promise;
    }
    this.#bus.emit({ event: 'daemon.stopped', uptimeMs: systemClock.now() - this.#startedAt });
    await Promise.all([this.#accessLog.drain(), this.#log.drain()]);
    this.#ended.resolve();
  }

  async #finish(followed: boolean): Promise<void> {
    // To systemd a unit is stopping or not, and where a successor is in the same unit it is not.
    if (!followed) await this.#tellSystemd('stopping');
    const startedAt = systemClock.now();
    this.#bus.emit({ event: 'drain.started', requestsMs: DRAIN.requestsMs });
    this.#routes.stop();
    this.#tailnet.stop();
    if (followed) this.#sockets.letGo();
    else for (const listener of this.#sockets.listeners) listener.close();
    const certificates = this.#manager.stop().then(() => (followed ? this.#storeWatch.release() : undefined));
    const [cut] = await Promise.all([this.#pool.drain(DRAIN), certificates]);
    this.#bus.emit({ event: 'drain.finished', durationMs: systemClock.now() - startedAt, cut });
    await this.#close(followed);
  }

  /** The file of the access log has been moved away: what follows goes into a new one. */
  reopenAccessLog(): void {
    this.#pool.reopenAccessLog();
  }

  /** Ends at once. */
  kill(): void {
    this.#pool.killAll();
  }

  readonly #changeTo = async (config: Config): Promise<number> => {
    await this.#change(config);
    this.#config = config;
    // Whoever ends takes no more routes.
    if (!this.#stopping.signal.aborted) {
      this.#routes.follow(config.global.configSource);
      this.#tailnet.follow(config.global.tailscale);
    }
    return this.#publisher.current.generation;
  };

  /** Puts the same configuration in force once more: something else that it goes by has changed. */
  #changeAgain(): Promise<void> {
    return this.#file.again(async () => {
      if (!this.#stopping.signal.aborted) await this.#change(this.#config);
    });
  }

  /** All that can fail comes first; what follows cannot, so a reload happens as a whole or not at all. */
  async #change(config: Config): Promise<void> {
    if (JSON.stringify(this.#config.global.store) !== JSON.stringify(config.global.store)) {
      throw new RigilError(
        'config-invalid',
        'another store takes a restart: this one holds what is being served',
        {
          hint: 'restart rigil to use the new store',
        },
      );
    }
    const issuers = this.#issuers.of(config);
    const accessLog = await this.#accessLog.open(config.global.accessLog);
    const sockets = await this.#open(config).catch((error) => {
      this.#accessLog.giveUp(accessLog);
      throw error;
    });
    try {
      if (this.#needsOtherWorkers(config, sockets)) await this.#startWorkers(config, sockets);
    } catch (error) {
      this.#accessLog.giveUp(accessLog);
      await this.#sockets.giveUp(sockets);
      throw error;
    }
    this.#apply(config, issuers, accessLog);
    this.#log.configure(config.global.log);
    await this.#sockets.switchTo(sockets);
  }

  /** The one assignment: from here on every new handshake and request goes by this configuration. */
  #apply(config: Config, issuers: ReadonlyMap<string, Issuer>, accessLog: OpenAccessLog | null): void {
    const { wanted, idOfRoute } = wantedOf(config);
    const table = buildTable(config, idOfRoute, this.#stickyTokens.of);
    this.#accessLog.use(config.global.accessLog, accessLog);
    const caps = connectionCaps(config.global, workersOf(config), meansOfMachine());
    const settings = servingSettings(config, accessLog?.settings ?? null, caps);
    const tailnet = this.#tailnet.use(config.global);
    const down = this.#health.use(config, table);
    this.#publisher.update((current) => ({ ...current, table, settings, tailnet, down }));
    this.#responders.use(config, issuers);
    this.#manager.setWanted(wanted, issuers);
    this.#publishCertificates();
  }

  /** Opens what is not open yet. When one address cannot be had, nothing has changed. */
  #open(config: Config): Promise<OpenSockets> {
    const { admin } = config.global;
    const servers = this.#responders.serversOf(config);
    if (admin !== null) {
      servers.push({
        role: 'admin',
        address: admin,
        make: () => new AdminServer(this.#status(), () => this.#config.global.adminPeers),
      });
    }
    return this.#sockets.open(this.#tailnet.listenersOf(config.global), servers);
  }

  async #startWorkers(config: Config, { listeners }: OpenSockets): Promise<void> {
    const all = [...listeners, ...this.#succession.workerSockets];
    await this.#pool.run(all, workersOf(config), DRAIN);
  }

  /** Workers learn everything but their listeners from snapshots. */
  #needsOtherWorkers({ global: { workers } }: Config, { listeners }: OpenSockets): boolean {
    const before = this.#sockets.listeners;
    const isSame = listeners.length === before.length && listeners.every((each) => before.includes(each));
    return !isSame || workers !== this.#config.global.workers;
  }

  #status(): DaemonStatus {
    return new DaemonStatus({
      startedAt: this.#startedAt,
      clock: systemClock,
      config: () => this.#config,
      file: this.#file,
      routes: this.#routes,
      pool: this.#pool,
      manager: this.#manager,
      store: this.#store,
      storeWatch: this.#storeWatch,
      staples: this.#staples,
      publisher: this.#publisher,
      health: this.#health,
      attempts: this.#attempts.byId,
    });
  }

  #startOcspUpkeep(): () => void {
    return startOcspUpkeep({
      keeper: this.#staples,
      manager: this.#manager,
      shown: () => [...this.#publisher.current.certificates.values()].map(({ fingerprint }) => fingerprint),
      store: this.#store,
      localCas: () => this.#responders.authorities,
      clock: systemClock,
      onFault: (fault) => this.#storeFault('ocsp', fault),
    });
  }

  /** @param followed a successor goes on with what is shared */
  async #close(followed = false): Promise<void> {
    this.#health.stop();
    this.#tailnet.stop();
    for (const end of this.#unwatch) end();
    await this.#sockets.close();
    await this.#issuers.close();
    this.#succession.close(followed);
    await this.#storeWatch.release();
    await this.#store.close();
  }

  #tellSystemd(state: DaemonState): Promise<void> {
    const mainPid = this.#succession.hasPredecessor ? process.pid : null;
    return notifySystemd(state, { mainPid, emit: this.#bus.emit });
  }

  /** A database that is away keeps nobody from starting: it is read, and nothing ordered before, when it is back. */
  async #load(): Promise<void> {
    await this.#manager.load({ follow: true }).catch((error: unknown) => {
      if (!isStoreAway(error)) throw error;
    });
  }

  /** Trouble of the store is no bug, and that it is away is told already. */
  #storeFault(where: string, fault: unknown): void {
    if (!codeOf(fault).startsWith('store-')) this.#fault(where, fault);
    else if (!isStoreAway(fault)) reportProblem({ emit: this.#bus.emit }, where, fault);
  }

  #fault(where: string, fault: unknown): void {
    const stack = fault instanceof Error ? (fault.stack ?? null) : null;
    this.#bus.emit({ event: 'fault', where, message: messageOf(fault), stack });
  }
}

function workersOf({ global: { workers } }: Config): number {
  return workers === 'auto' ? availableParallelism() : workers;
}
