import { once } from 'node:events';
import { type Daemon, eventually, startDaemon } from '../daemon.ts';
import { startUpstream } from '../upstream.ts';

/** Something that goes wrong, so many times in a row; throws when a promise is broken, and says what it has seen. */
export type Scenario = (rounds: number) => Promise<string>;

/** The route that clients ask for. */
export const NAME = 'one.localhost';

/** A daemon that serves {@link NAME} and these routes, and whoever follows it. */
export class Reign implements AsyncDisposable {
  daemon: Daemon;
  readonly #first: Daemon;
  readonly #upstream: AsyncDisposable;
  readonly address: string;

  private constructor(daemon: Daemon, upstream: AsyncDisposable, address: string) {
    this.daemon = daemon;
    this.#first = daemon;
    this.#upstream = upstream;
    this.address = address;
  }

  static async begin(options: Parameters<typeof startDaemon>[1] = {}): Promise<Reign> {
    const upstream = await startUpstream('upstream');
    const daemon = await startDaemon(`route ${NAME}\n  upstream ${upstream.address}\n`, options);
    return new Reign(daemon, upstream, upstream.address);
  }

  /** The configuration with further names. */
  want(...names: readonly string[]): void {
    const routes = [NAME, ...names].map((name) => `route ${name}\n  upstream ${this.address}\n`);
    this.daemon.configure(routes.join(''));
  }

  /** Kills the control process. */
  async kill(): Promise<void> {
    this.daemon.child.kill('SIGKILL');
    if (this.daemon.child.signalCode === null && this.daemon.child.exitCode === null) {
      await once(this.daemon.child, 'exit');
    }
  }

  /** Starts the next daemon, and waits until it is healthy. */
  async follow(...args: readonly string[]): Promise<void> {
    this.daemon = await startDaemon('', { beside: this.#first, args, patienceMs: 60_000 });
  }

  async workers(): Promise<number[]> {
    return (await this.daemon.status()).workers.map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    await this.#first[Symbol.asyncDispose]();
    await this.#upstream[Symbol.asyncDispose]();
  }
}

/** @throws when `outcomes` has other keys than these */
export function expectOnly(outcomes: Readonly<Record<string, number>>, ...allowed: readonly string[]): void {
  const others = Object.keys(outcomes).filter((outcome) => !allowed.includes(outcome));
  if (others.length > 0) throw new Error(`there were ${JSON.stringify(outcomes)}`);
}

/** Waits until some more requests have been answered. */
export async function served(outcomes: Readonly<Record<string, number>>, more = 20): Promise<void> {
  const enough = (outcomes['200'] ?? 0) + more;
  await eventually('requests', () => ((outcomes['200'] ?? 0) >= enough ? true : undefined));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
