import type { Socket } from 'node:net';
import type { ServingSettings } from '../snapshot/snapshot.ts';
import type { Counters } from './counters.ts';
import { networkOf } from './network.ts';
import { isTrusted, plainAddress } from './trusted-peers.ts';

/** Connections that wait for room at most. Nothing is read of them, but each has a descriptor. */
const WAITING = 256;

/** How long one waits for room, in milliseconds. */
const PATIENCE_MS = 10_000;

export interface AdmissionOptions {
  /** The current settings: read for each connection, so that a reload takes effect at once. */
  readonly settings: () => ServingSettings;
  readonly counters: Counters;
  /** Asks an idle connection to give way, if one is found. Its end comes later. */
  readonly makeRoom: () => void;
}

/**
 * Counts the client connections of a worker, of both kinds of listeners, and holds them within the caps.
 *
 * An address that has its share is sent away at once: it is one client, and the others shall not wait for it. When all
 * places are taken, an idle connection is asked to give way, and whoever comes waits its turn without anything being read:
 * an accepted connection costs little, and closing it would only make its client come again.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  /** By network; only those that have a connection. */
  readonly #perAddress = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Map<Socket, (socket: Socket) => void>();
  #open = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Connections that have been let in and are open. */
  get open(): number {
    return this.#open;
  }

  /** Those that wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Lets a connection in to `serve`, now or when there is room, or ends it. */
  admit(socket: Socket, serve: (socket: Socket) => void): void {
    const { settings, counters, makeRoom } = this.#options;
    const caps = settings().connections;
    if (!this.#takeShare(socket)) {
      counters.connectionRefused('max-connections-per-address');
      socket.destroy();
      return;
    }
    if (caps === undefined || this.#open < caps.most) {
      this.#letIn(socket, serve);
      return;
    }
    makeRoom();
    if (this.#waiting.size >= WAITING) {
      counters.connectionRefused('max-connections');
      socket.destroy();
      return;
    }
    this.#wait(socket, serve);
  }

  /** Lets in all who wait: nobody else comes, and the system has room for them. */
  letAllIn(): void {
    for (const [socket, letIn] of this.#waiting) letIn(socket);
  }

  /** Counts the connection for its address until it closes; false when that has its share already. */
  #takeShare(socket: Socket): boolean {
    const settings = this.#options.settings();
    const { remoteAddress } = socket;
    // A Unix socket, or a client that has left already.
    if (settings.connections === undefined || remoteAddress === undefined) return true;
    const address = plainAddress(remoteAddress);
    if (isTrusted(address, settings)) return true;
    const network = networkOf(address);
    const count = this.#perAddress.get(network) ?? 0;
    if (count >= settings.connections.mostPerAddress) return false;
    this.#perAddress.set(network, count + 1);
    socket.on('close', () => this.#giveBack(network));
    return true;
  }

  #giveBack(network: string): void {
    const count = this.#perAddress.get(network) ?? 0;
    if (count > 1) this.#perAddress.set(network, count - 1);
    else this.#perAddress.delete(network);
  }

  #letIn(socket: Socket, serve: (socket: Socket) => void): void {
    this.#open++;
    socket.on('close', () => {
      this.#open--;
      this.#next();
    });
    serve(socket);
  }

  #wait(socket: Socket, serve: (socket: Socket) => void): void {
    const timer = setTimeout(() => {
      this.#options.counters.connectionRefused('max-connections');
      socket.destroy();
    }, PATIENCE_MS).unref();
    const onError = () => socket.destroy();
    const leave = () => {
      clearTimeout(timer);
      this.#waiting.delete(socket);
      socket.off('error', onError);
      socket.off('close', leave);
    };
    socket.on('error', onError);
    socket.on('close', leave);
    this.#waiting.set(socket, () => {
      leave();
      this.#letIn(socket, serve);
    });
  }

  #next(): void {
    const caps = this.#options.settings().connections;
    for (const [socket, letIn] of this.#waiting) {
      if (caps !== undefined && this.#open >= caps.most) return;
      letIn(socket);
    }
  }
}
