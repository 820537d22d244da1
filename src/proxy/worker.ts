import { setImmediate as turn } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Event } from '../events/event.ts';
import { AppendFile } from '../platform/append-file.ts';
import { boundSocket } from '../platform/bind.ts';
import { systemClock } from '../platform/clock.ts';
import { Holder } from '../platform/hand-over/holder.ts';
import { WORKER_TITLE } from '../platform/worker-title.ts';
import { applyPatch, type Patch } from '../snapshot/patch.ts';
import { emptySnapshot, type Snapshot } from '../snapshot/snapshot.ts';
import { AccessLog } from './access-log/access-log.ts';
import { controlSink } from './access-log/control-sink.ts';
import { Admission } from './admission.ts';
import { ControlChannel } from './control-channel.ts';
import { Counters } from './counters.ts';
import { type ClientListener, Listeners } from './listeners.ts';
import { LoopDelay } from './loop-delay.ts';
import type { ToWorker, WorkerListener, WorkerReport } from './protocol.ts';
import { createServing, type Serving } from './serving.ts';
import { Sweep } from './sweep.ts';
import { FrontDoor } from './tls/front-door.ts';
import { Occasional } from './tls/occasional.ts';
import { TlsServers } from './tls/servers.ts';

/** How often figures are sent without being asked for, in milliseconds. */
const REPORT_EVERY_MS = 1_000;
/** What `drain` means when nobody says: SIGTERM, in milliseconds. */
const DRAIN = { requestsMs: 30_000, streamsMs: 600_000 };
/** How long a drain waits for handshakes, in milliseconds: their clients have sent a request, or are about to. */
const HANDSHAKES_MS = 2_000;
/** How often trouble with accepting is told, in milliseconds. */
const TELL_EVERY_MS = 60_000;
/** Longest wait for the last words of a worker, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/**
 * A worker: the program that `child_process.fork` starts. It serves, and does nothing else. It reads no file, holds no
 * lock, writes to no stream (a pipe that nobody reads would block it) and learns the world from its channel alone. The
 * one thing that it writes is a file of the access log, and nothing waits for that.
 */
class Worker {
  readonly #channel = new ControlChannel();
  readonly #counters = new Counters();
  readonly #listeners = new Listeners();
  readonly #delay = new LoopDelay();
  readonly #told = new Occasional(TELL_EVERY_MS);
  /** The one cell: everything that serves reads it once, and it is replaced as a whole. */
  #snapshot: Snapshot = emptySnapshot;
  readonly #accessLog = new AccessLog({
    current: () => this.#snapshot,
    openSink: ({ file }) => (file === null ? controlSink(this.#channel) : new AppendFile(file)),
    counters: this.#counters,
    clock: systemClock,
    emit: (event) => this.emit(event),
  });
  #serving: Serving | null = null;
  #door: FrontDoor | null = null;
  #admission: Admission | null = null;
  #draining = false;
  #outlives = false;
  #inherited: readonly WorkerListener[] = [];
  /** Waits for a successor of the control process, when that is dead. */
  #holder: Holder | null = null;

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        this.#take(message.patch);
        void this.#start(message);
        break;
      case 'patch':
        this.#take(message.patch);
        break;
      case 'outlive':
        this.#outlives = true;
        break;
      case 'reopen':
        this.#accessLog.reopen();
        break;
      case 'report':
        this.#channel.send({ type: 'report', request: message.request, report: this.#report() });
        break;
      case 'drain':
        void this.drain(message);
        break;
      default:
        message satisfies never;
    }
  }

  async drain(times: { readonly requestsMs: number; readonly streamsMs: number }): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#holder?.close();
    // Whoever is in the queue already is let in: two turns of the event loop look at it at least once.
    await turn();
    await turn();
    this.#listeners.close();
    this.#admission?.letAllIn();
    await this.#door?.settle(Math.min(HANDSHAKES_MS, times.requestsMs));
    this.#door?.close();
    const { cut } = (await this.#serving?.drain(times)) ?? { cut: 0 };
    await this.#accessLog.flush();
    this.#channel.send({ type: 'report', request: null, report: this.#report() });
    this.#channel.send({ type: 'drained', cut }, () => process.exit(0));
    setTimeout(() => process.exit(0), LAST_WORDS_MS);
  }

  readonly emit = (event: Event): void => this.#channel.offer({ type: 'event', event });

  /**
   * The control process died. What is held goes on being served, until SIGTERM or until a successor has taken the
   * listeners over; a control process that was not ready yet can have none that finds them.
   */
  orphaned(): void {
    // Nobody asks upstreams how they are any more: which are well shows with the requests.
    this.#snapshot = { ...this.#snapshot, down: emptySnapshot.down };
    if (!this.#outlives) void this.drain(DRAIN);
    const socket = this.#inherited.find(({ role }) => role === 'hand-over');
    if (this.#draining || socket === undefined) return;
    this.#holder = new Holder({
      role: 'worker',
      sockets: () => this.#inherited.filter(isForClients),
      leave: () => void this.drain(DRAIN),
    });
    void this.#holder.listen(boundSocket({ fd: socket.fd, close: () => {} }, socket.address)).catch(() => {});
  }

  /** Says what went wrong and ends: after a bug nobody knows what state this process is in. Others serve on. */
  fail(fault: unknown): void {
    const stack = fault instanceof Error ? (fault.stack ?? null) : null;
    const event: Event = { event: 'fault', where: process.title, message: messageOf(fault), stack };
    this.#channel.send({ type: 'event', event }, () => process.exit(70));
    setTimeout(() => process.exit(70), LAST_WORDS_MS);
  }

  #take(patch: Patch): void {
    this.#snapshot = applyPatch(this.#snapshot, patch);
    this.#accessLog.configure();
  }

  async #start({ worker, listeners, limits, outlives }: Extract<ToWorker, { type: 'start' }>): Promise<void> {
    process.title = `${WORKER_TITLE} ${worker}`;
    this.#inherited = listeners;
    this.#outlives ||= outlives;
    const common = { current: () => this.#snapshot, counters: this.#counters, emit: this.emit };
    const serving = createServing({ ...common, limits, accessLog: this.#accessLog });
    const servers = new TlsServers({
      handshakeTimeoutMs: limits.headTimeoutMs,
      onSecure: (socket) => serving.acceptSecure(socket),
    });
    const door = new FrontDoor({
      ...common,
      servers,
      clock: systemClock,
      sweep: new Sweep(limits.headTimeoutMs),
      helloTimeoutMs: limits.headTimeoutMs,
    });
    const admission = new Admission({
      settings: () => this.#snapshot.settings,
      counters: this.#counters,
      makeRoom: () => serving.makeRoom(),
    });
    this.#serving = serving;
    this.#door = door;
    this.#admission = admission;
    const failure = await this.#listeners.open(listeners.filter(isForClients), {
      http: (socket) => admission.admit(socket, (admitted) => serving.acceptPlain(admitted)),
      https: (socket) =>
        admission.admit(socket, (admitted) => {
          serving.expect(admitted);
          door.accept(admitted);
        }),
      onTrouble: (address, error) => this.#tellTrouble(address, error),
    });
    if (failure !== null) {
      this.#channel.send({ type: 'failed', ...failure }, () => process.exit(1));
      return;
    }
    this.#channel.send({ type: 'ready' });
    setInterval(() => {
      this.#delay.turn();
      this.#channel.offer({ type: 'report', request: null, report: this.#report() });
    }, REPORT_EVERY_MS).unref();
  }

  #tellTrouble(address: string, error: Error): void {
    if (!this.#told.isTime(address)) return;
    this.emit({ event: 'fault', where: `accepting on ${address}`, message: error.message, stack: null });
  }

  #report(): WorkerReport {
    return {
      requests: this.#serving?.requests ?? 0,
      connections: this.#serving?.connections ?? 0,
      failing: this.#serving?.failing ?? [],
      eventLoopDelayMs: this.#delay.last,
      metrics: this.#counters.values(),
    };
  }
}

function isForClients(listener: WorkerListener): listener is ClientListener {
  return listener.role !== 'hand-over';
}

const worker = new Worker();
process.on('message', (message: ToWorker) => worker.receive(message));
process.on('uncaughtException', (fault) => worker.fail(fault));
process.on('unhandledRejection', (fault) => worker.fail(fault));
process.on('SIGTERM', () => void worker.drain(DRAIN));
// Ctrl-C and a terminal's hang-up reach the whole group; what they mean is for the control process to say.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
// So is a rotated access log, which Node would take for the wish for a debugger.
process.on('SIGUSR1', () => {});
process.on('disconnect', () => worker.orphaned());
// Nobody may read the streams any more.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
// It is started with --no-warnings, so that Node does not write them to a stream that may block.
process.on('warning', ({ name, message, stack }) =>
  worker.emit({ event: 'fault', where: `${process.title}: ${name}`, message, stack: stack ?? null }),
);
