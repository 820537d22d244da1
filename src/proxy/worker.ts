import { monitorEventLoopDelay } from 'node:perf_hooks';
import { messageOf } from '../errors.ts';
import type { Event } from '../events/event.ts';
import { applyPatch } from '../snapshot/patch.ts';
import { Publisher } from '../snapshot/publisher.ts';
import { emptySnapshot } from '../snapshot/snapshot.ts';
import { Counters } from './counters.ts';
import { Listeners } from './listeners.ts';
import type { FromWorker, ToWorker, WorkerReport } from './protocol.ts';
import { createServing, type Serving } from './serving.ts';
import { FrontDoor } from './tls/front-door.ts';
import { TlsServers } from './tls/servers.ts';

/** How often figures are sent without being asked for, in milliseconds. */
const REPORT_EVERY_MS = 1_000;
const DELAY_RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;
/** What `drain` means when nobody says: SIGTERM, in milliseconds. */
const DRAIN = { requestsMs: 30_000, streamsMs: 600_000 };

/**
 * A worker: the program that `child_process.fork` starts. It serves, and does nothing else. It reads no file, holds no
 * lock, writes to no stream (a pipe that nobody reads would block it) and learns the world from its channel alone.
 */
class Worker {
  readonly #publisher = new Publisher(emptySnapshot);
  readonly #counters = new Counters();
  readonly #listeners = new Listeners();
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  #serving: Serving | null = null;
  #draining = false;

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        void this.#start(message);
        break;
      case 'patch':
        this.#publisher.update((current) => applyPatch(current, message.patch));
        break;
      case 'report':
        send({ type: 'report', request: message.request, report: this.#report() });
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
    this.#listeners.close();
    const { cut } = (await this.#serving?.drain(times)) ?? { cut: 0 };
    send({ type: 'report', request: null, report: this.#report() });
    send({ type: 'drained', cut }, () => process.exit(0));
  }

  async #start({ worker, patch, listeners, limits }: Extract<ToWorker, { type: 'start' }>): Promise<void> {
    process.title = `rigil: worker ${worker}`;
    this.#publisher.update((current) => applyPatch(current, patch));
    const common = { current: () => this.#publisher.current, counters: this.#counters, emit };
    const serving = createServing({ ...common, limits });
    this.#serving = serving;
    const servers = new TlsServers({
      handshakeTimeoutMs: limits.headTimeoutMs,
      onSecure: (socket) => serving.acceptSecure(socket),
    });
    const door = new FrontDoor({ ...common, servers, helloTimeoutMs: limits.headTimeoutMs });
    this.#delay.enable();
    const failure = await this.#listeners.open(listeners, {
      http: (socket) => serving.acceptPlain(socket),
      https: (socket) => door.accept(socket),
    });
    if (failure !== null) {
      send({ type: 'failed', ...failure }, () => process.exit(1));
      return;
    }
    send({ type: 'ready' });
    setInterval(
      () => send({ type: 'report', request: null, report: this.#report() }),
      REPORT_EVERY_MS,
    ).unref();
  }

  #report(): WorkerReport {
    const ms = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS_PER_MS - DELAY_RESOLUTION_MS);
    const eventLoopDelayMs = {
      p50: ms(this.#delay.percentile(50)),
      p99: ms(this.#delay.percentile(99)),
      max: ms(this.#delay.max),
    };
    this.#delay.reset();
    return {
      requests: this.#serving?.requests ?? 0,
      connections: this.#serving?.connections ?? 0,
      eventLoopDelayMs,
      metrics: this.#counters.values(),
    };
  }
}

function send(message: FromWorker, done?: () => void): void {
  // Without a channel the control process is gone: nobody to tell, and serving goes on.
  if (process.connected && process.send !== undefined)
    process.send(message, undefined, undefined, () => done?.());
  else done?.();
}

function emit(event: Event): void {
  send({ type: 'event', event });
}

function fail(where: string, fault: unknown): void {
  const stack = fault instanceof Error ? (fault.stack ?? null) : null;
  send({ type: 'event', event: { event: 'fault', where, message: messageOf(fault), stack } }, () =>
    process.exit(70),
  );
  setTimeout(() => process.exit(70), 1_000).unref();
}

const worker = new Worker();
process.on('message', (message: ToWorker) => worker.receive(message));
process.on('uncaughtException', (fault) => fail('worker', fault));
process.on('unhandledRejection', (fault) => fail('worker', fault));
process.on('SIGTERM', () => void worker.drain(DRAIN));
// Ctrl-C and a terminal's hang-up reach the whole group; what they mean is for the control process to say.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
// Without its channel the process would end when its last connection does; the listeners keep it alive.
process.on('disconnect', () => {});
