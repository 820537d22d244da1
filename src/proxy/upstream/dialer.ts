import net, { isIP, type OnReadOpts, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Upstream } from '../../routing/route.ts';
import { describeUpstream } from './upstreams.ts';

/** When a silent connection is probed for a peer that is gone, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** For how many upstreams TLS sessions are remembered. */
const SESSIONS = 100;

/** Opens sockets to upstreams, and takes TLS sessions up again. */
export class Dialer {
  readonly #keys = new WeakMap<Upstream, string>();
  readonly #sessions = new Map<string, Buffer>();

  /**
   * A socket on its way to an upstream: with `connect` it is there, with TLS not before `secureConnect`.
   *
   * @param protocols what ALPN offers, the best first (RFC 7301)
   * @param onread takes what is read, where there is no TLS, which knows `data` only
   */
  dial(upstream: Upstream, protocols: readonly string[], onread: OnReadOpts): Socket {
    const socket = upstream.scheme === 'https' ? this.#secure(upstream, protocols) : plain(upstream, onread);
    socket.setNoDelay(true);
    return socket;
  }

  /** What tells upstreams apart: the same text for all that can share connections. */
  keyOf(upstream: Upstream): string {
    let key = this.#keys.get(upstream);
    if (key === undefined) {
      key = describeUpstream(upstream);
      this.#keys.set(upstream, key);
    }
    return key;
  }

  #secure(upstream: Upstream & { readonly scheme: 'https' }, protocols: readonly string[]): Socket {
    const { host, port } = upstream;
    const key = this.keyOf(upstream);
    const session = this.#sessions.get(key);
    const socket = tls.connect({
      host,
      port,
      // What is verified is the upstream's own name, not the client's Host. An address has no server name (RFC 6066 3).
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: [...protocols],
      ...(session === undefined ? {} : { session }),
    });
    socket.once('connect', () => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS));
    socket.on('session', (fresh: Buffer) => this.#remember(key, fresh));
    return socket;
  }

  #remember(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

function plain(upstream: Upstream, onread: OnReadOpts): Socket {
  if (upstream.scheme === 'unix') return net.connect({ path: upstream.path, onread });
  const { host, port } = upstream;
  const socket = net.connect({ host, port, onread });
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  return socket;
}
