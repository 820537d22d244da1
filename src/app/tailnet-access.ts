import type { GlobalConfig, ListenAddress, TailscaleConfig } from '../config/config.ts';
import type { RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { systemHttp } from '../platform/http.ts';
import type { TailnetSettings } from '../snapshot/snapshot.ts';
import { LocalApi } from '../tailscale/local-api.ts';
import { Tailnet } from '../tailscale/tailnet.ts';
import type { ListenerAddresses } from './workers/listener-set.ts';

export interface TailnetAccessOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Takes up what has changed: calls {@link TailnetAccess.listenersOf} and opens them. Never rejects. */
  readonly onChange: () => Promise<void>;
}

/** How often the Tailscale daemon is asked, in milliseconds: one small question over a socket of this machine. */
const ASK_EVERY_MS = 5_000;
/** What a start waits for the first answer at most, in milliseconds. */
const FIRST_ANSWER_MS = 500;
/** An address that could not be listened on is tried again after this, and then after longer and longer; in milliseconds. */
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 600_000;

interface Followed {
  readonly socket: string;
  readonly tailnet: Tailnet;
  readonly ended: AbortController;
}

/** Where the daemon listens for the sake of the tailnet, as its addresses come and change. */
export class TailnetAccess {
  readonly #options: TailnetAccessOptions;
  #followed: Followed | null = null;
  #isRunning = false;
  /** Addresses that are in force. */
  #inUse: readonly string[] = [];
  /** Those of them that could not be had, with the reason. */
  #missing = new Map<string, string>();

  constructor(options: TailnetAccessOptions) {
    this.#options = options;
  }

  /** Finds out the first addresses for a start, which does not wait long for them. */
  async look(config: TailscaleConfig | null): Promise<void> {
    const followed = this.#turnTo(config);
    if (followed === null) return;
    const over = new AbortController();
    await Promise.race([
      followed.tailnet.ask(),
      this.#options.clock.sleep(FIRST_ANSWER_MS, AbortSignal.any([over.signal, followed.ended.signal])),
    ]);
    over.abort();
  }

  /** Follows the Tailscale daemon of a configuration that is in force. */
  follow(config: TailscaleConfig | null): void {
    const followed = this.#turnTo(config);
    if (followed !== null && !this.#isRunning) void this.#run(followed);
  }

  stop(): void {
    this.#turnTo(null);
  }

  /** Where a configuration listens, with the addresses in the tailnet as they are known now. */
  listenersOf(global: GlobalConfig): ListenerAddresses {
    const addresses = this.#addressesFor(global.tailscale);
    const told = this.#missing;
    this.#missing = new Map();
    const onMissing = (address: string, { code, message, hint }: RigilError): void => {
      this.#missing.set(address, message);
      if (told.get(address) === message) return;
      this.#options.emit({ event: 'tailnet.listener.failed', address, code, message, hint });
    };
    const taken = [...global.http, ...global.https, ...(global.admin === null ? [] : [global.admin])];
    const besides = {
      http: uncovered(addresses, global.http, taken),
      https: uncovered(addresses, global.https, taken),
      onMissing,
    };
    return { http: global.http, https: global.https, besides };
  }

  /** What workers have to know. The listeners are there: from here on these addresses are in force. */
  use({ tailscale }: GlobalConfig): TailnetSettings | null {
    this.#inUse = this.#addressesFor(tailscale);
    if (tailscale === null) return null;
    return { socket: tailscale.socket, addresses: this.#inUse, http: tailscale.http };
  }

  #addressesFor(config: TailscaleConfig | null): readonly string[] {
    const followed = this.#followed;
    return config !== null && followed?.socket === config.socket ? followed.tailnet.addresses : [];
  }

  #turnTo(config: TailscaleConfig | null): Followed | null {
    const socket = config?.socket ?? null;
    if (socket === (this.#followed?.socket ?? null)) return this.#followed;
    this.#followed?.ended.abort();
    this.#followed = null;
    this.#isRunning = false;
    if (socket === null) return null;
    const { clock, emit } = this.#options;
    const ended = new AbortController();
    const api = new LocalApi({ socket, http: systemHttp, clock });
    this.#followed = { socket, ended, tailnet: new Tailnet({ api, clock, emit, signal: ended.signal }) };
    return this.#followed;
  }

  async #run({ tailnet, ended: { signal } }: Followed): Promise<void> {
    const { clock, onChange } = this.#options;
    this.#isRunning = true;
    let tried = this.#inUse.join();
    let pauseMs = FIRST_RETRY_MS;
    let retryAt = clock.now() + pauseMs;
    while (!signal.aborted) {
      await tailnet.ask();
      if (signal.aborted) return;
      const addresses = tailnet.addresses.join();
      const isNews = addresses !== tried;
      const isDue = (addresses !== this.#inUse.join() || this.#missing.size > 0) && clock.now() >= retryAt;
      if (isNews || isDue) {
        tried = addresses;
        pauseMs = isNews ? FIRST_RETRY_MS : Math.min(pauseMs * 2, LONGEST_RETRY_MS);
        await onChange();
        retryAt = clock.now() + pauseMs;
      }
      await clock.sleep(ASK_EVERY_MS, signal);
    }
  }
}

/** The addresses with the ports of `listeners`, as far as nobody listens there for all addresses already. */
function uncovered(
  addresses: readonly string[],
  listeners: readonly ListenAddress[],
  taken: readonly ListenAddress[],
): ListenAddress[] {
  const ports = new Set(
    listeners.flatMap((each) => (each.kind === 'tcp' && each.port > 0 ? [each.port] : [])),
  );
  return addresses.flatMap((host) => {
    const everywhere = host.includes(':') ? ['::'] : ['::', '0.0.0.0'];
    return [...ports].flatMap((port): ListenAddress[] => {
      const isCovered = taken.some(
        (each) =>
          each.kind === 'tcp' &&
          each.port === port &&
          (each.host === null || each.host === host || everywhere.includes(each.host)),
      );
      return isCovered ? [] : [{ kind: 'tcp', host, port }];
    });
  });
}
