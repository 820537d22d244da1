import net, { isIP, type OnReadOpts, type Socket } from 'node:net';
import tls, { type SecureContext } from 'node:tls';
import type { Upstream, UpstreamTls } from '../../routing/route.ts';
import { describeUpstream } from './upstreams.ts';

/** When a silent connection is probed for a peer that is gone, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** For how many upstreams TLS sessions are remembered. */
const SESSIONS = 100;

/** For how many ways of TLS a context is kept. */
const CONTEXTS = 100;

/** Opens sockets to upstreams, and takes TLS sessions up again. */
export class Dialer {
  /** Made once: reading the roots takes milliseconds with each. By the id of an {@link UpstreamTls}. */
  readonly #contexts = new Map<string, SecureContext>();
  readonly #keys = new WeakMap<Upstream, string>();
  readonly #sessions = new Map<string, Buffer>();
  readonly #roots: (() => readonly string[]) | null;

  /** @param roots what is trusted where an upstream names no roots. Default: what this process trusts */
  constructor(roots: (() => readonly string[]) | null = null) {
    this.#roots = roots;
  }

  /**
   * A socket on its way to an upstream: with `connect` it is there, with TLS not before `secureConnect`.
   *
   * @param protocols what ALPN offers, the best first (RFC 7301)
   * @param onread takes what is read, where there is no TLS, which knows `data` only; null = that does, too
   */
  dial(upstream: Upstream, protocols: readonly string[], onread: OnReadOpts | null): Socket {
    const socket = upstream.scheme === 'https' ? this.#secure(upstream, protocols) : plain(upstream, onread);
    socket.setNoDelay(true);
    return socket;
  }

  /** What tells upstreams apart: the same text for all that can share connections. */
  keyOf(upstream: Upstream): string {
    let key = this.#keys.get(upstream);
    if (key === undefined) {
      key = identify(upstream);
      this.#keys.set(upstream, key);
    }
    return key;
  }

  #secure(upstream: Upstream & { readonly scheme: 'https' }, protocols: readonly string[]): Socket {
    const { host, port, tls: manner } = upstream;
    const key = this.keyOf(upstream);
    const session = this.#sessions.get(key);
    const socket = tls.connect({
      host,
      port,
      // What is verified is the upstream's own name, not the client's Host. An address has no server name (RFC 6066 3).
      servername: manner?.serverName ?? (isIP(host) === 0 ? host : ''),
      rejectUnauthorized: manner?.verify !== false,
      secureContext: this.#contextOf(manner),
      ALPNProtocols: [...protocols],
      ...(session === undefined ? {} : { session }),
    });
    socket.once('connect', () => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS));
    socket.on('session', (fresh: Buffer) => this.#remember(key, fresh));
    return socket;
  }

  #contextOf(manner: UpstreamTls | undefined): SecureContext {
    const id = manner?.id ?? '';
    const known = this.#contexts.get(id);
    if (known !== undefined) return known;
    const identity = manner?.identity ?? null;
    const ca = manner?.ca ?? this.#roots?.() ?? null;
    const context = tls.createSecureContext({
      ...(ca === null ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
      ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
    });
    keep(this.#contexts, id, context, CONTEXTS);
    return context;
  }

  #remember(key: string, session: Buffer): void {
    keep(this.#sessions, key, session, SESSIONS);
  }
}

/** Puts a value in, and the oldest out when there are more than `most`. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

/** Whoever is asked in another way of TLS is another upstream: what one trusts the other must not be given. */
function identify(upstream: Upstream): string {
  const manner = upstream.scheme === 'https' ? (upstream.tls?.id ?? '') : '';
  // All connections of a stack are kept equally long.
  const idle = upstream.timeouts === undefined ? '' : String(upstream.timeouts.idleMs);
  return `${describeUpstream(upstream)} ${manner} ${idle}`;
}

function plain(upstream: Upstream, onread: OnReadOpts | null): Socket {
  const reading = onread === null ? {} : { onread };
  if (upstream.scheme === 'unix') return net.connect({ path: upstream.path, ...reading });
  const { host, port } = upstream;
  const socket = net.connect({ host, port, ...reading });
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  return socket;
}
