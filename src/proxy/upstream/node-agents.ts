import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import type { Upstream } from '../../routing/route.ts';

/** How many idle connections are kept for one upstream. */
const IDLE_CONNECTIONS = 100;

/** The keep-alive pools, one for each upstream; the connection used last is used first. */
export class NodeAgents {
  readonly #idleMs: number;
  readonly #agents = new Map<'http' | 'https' | 'fresh http' | 'fresh https', http.Agent>();

  /** @param idleMs how long an unused connection is kept, in milliseconds */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** `fresh`: a connection that nobody used before, and that nobody will use again. */
  agentFor(upstream: Upstream, fresh: boolean): http.Agent {
    const kind = `${fresh ? 'fresh ' : ''}${upstream.scheme === 'https' ? 'https' : 'http'}` as const;
    let agent = this.#agents.get(kind);
    if (agent === undefined) {
      const options: http.AgentOptions = fresh
        ? { keepAlive: false }
        : { keepAlive: true, timeout: this.#idleMs, maxFreeSockets: IDLE_CONNECTIONS, scheduling: 'lifo' };
      agent =
        upstream.scheme === 'https'
          ? new https.Agent({ ...options, secureContext: trust() })
          : new http.Agent(options);
      this.#agents.set(kind, agent);
    }
    return agent;
  }

  close(): void {
    for (const agent of this.#agents.values()) {
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
  }
}

/** The roots of Node and of the system: an upstream may have a certificate of a private CA that the machine trusts. */
function trust(): tls.SecureContext {
  const roots = new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')]);
  return tls.createSecureContext({ ca: [...roots] });
}
