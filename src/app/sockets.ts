import type { Emit } from '../events/bus.ts';
import { type ControlServer, type HandedSocket, openServers, type WantedServer } from './control-servers.ts';
import { bindListeners, type ListenerAddresses, type OpenListener } from './workers/listener-set.ts';

/** What is open at one time. */
export interface OpenSockets {
  /** Bound here, for the workers to listen on. */
  readonly listeners: readonly OpenListener[];
  readonly servers: readonly ControlServer[];
}

const NONE: OpenSockets = { listeners: [], servers: [] };

/**
 * What the daemon listens on. It changes in two steps, first all that can fail and then what cannot, so that a reload
 * happens as a whole or not at all.
 */
export class Sockets {
  readonly #emit: Emit;
  #current = NONE;
  #handed: readonly HandedSocket[] = [];

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  get listeners(): readonly OpenListener[] {
    return this.#current.listeners;
  }

  /** Everything that listens, and what it is for. */
  get all(): readonly { readonly role: string; readonly address: string; readonly fd: number }[] {
    return [...this.#current.listeners, ...this.#current.servers].map(({ role, address, fd }) => ({
      role,
      address,
      fd,
    }));
  }

  /** Begins with what a former daemon has handed over: `open` takes of it what is wanted, `switchTo` closes the rest. */
  adopt(handed: readonly HandedSocket[]): void {
    this.#handed = handed;
    this.#current = { listeners: handed.filter(isListener), servers: [] };
  }

  /**
   * Opens what is not open yet; follow it with `switchTo` or `giveUp`.
   *
   * @throws RigilError when an address cannot be had; then nothing has changed
   */
  async open(addresses: ListenerAddresses, wanted: readonly WantedServer[]): Promise<OpenSockets> {
    const listeners = await bindListeners(addresses, this.#current.listeners);
    const { servers } = this.#current;
    try {
      return { listeners, servers: await openServers(wanted, servers, this.#handed) };
    } catch (error) {
      await this.giveUp({ listeners, servers });
      throw error;
    }
  }

  /** Closes what the new sockets leave out, and tells of what they add. */
  async switchTo(next: OpenSockets): Promise<void> {
    const former = this.#current;
    this.#current = next;
    const used = new Set(next.servers.map(({ fd }) => fd));
    for (const socket of this.#handed) if (!isListener(socket) && !used.has(socket.fd)) socket.letGo();
    this.#handed = [];
    for (const { role, address } of [
      ...without(next.listeners, former.listeners),
      ...without(next.servers, former.servers),
    ]) {
      this.#emit({ event: 'listener.opened', role, address });
    }
    await close(former, next);
  }

  /** Closes what was opened in vain. */
  giveUp(opened: OpenSockets): Promise<void> {
    return close(opened, this.#current);
  }

  /** Leaves everything to a successor. */
  letGo(): void {
    for (const { letGo } of [...this.#current.listeners, ...this.#current.servers]) letGo();
    this.#current = NONE;
  }

  async close(): Promise<void> {
    await this.switchTo(NONE);
  }
}

/** Closes what only `from` has. */
async function close(from: OpenSockets, kept: OpenSockets): Promise<void> {
  for (const listener of without(from.listeners, kept.listeners)) listener.close();
  await Promise.all(without(from.servers, kept.servers).map((server) => server.close()));
}

function isListener(socket: HandedSocket): socket is OpenListener {
  return socket.role === 'http' || socket.role === 'https';
}

function without<Item>(items: readonly Item[], others: readonly Item[]): Item[] {
  return items.filter((item) => !others.includes(item));
}
