import http from 'node:http';
import https from 'node:https';
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
      // Certificates are verified against Node's roots, and the system's where Node was started with --use-system-ca:
      // it then reads them on another thread, which done here would stop serving for a tenth of a second.
      agent = upstream.scheme === 'https' ? new https.Agent(options) : new http.Agent(options);
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
