import type { Limits } from '../protocol.ts';
import { NodeAgents } from './node-agents.ts';
import { NodeCall } from './node-call.ts';
import type { Call, Receiver, UpstreamRequest, Upstreams } from './upstreams.ts';

/** Upstreams over HTTP/1.1 with Node's own client. */
export class NodeUpstreams implements Upstreams {
  readonly #limits: Limits;
  readonly #agents: NodeAgents;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#agents = new NodeAgents(limits.upstreamIdleMs);
  }

  send(request: UpstreamRequest, receiver: Receiver): Call {
    return new NodeCall(request, receiver, this.#agents, this.#limits);
  }

  close(): void {
    this.#agents.close();
  }
}
