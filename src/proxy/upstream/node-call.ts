import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { messageOf } from '../../errors.ts';
import { emptyBody } from '../body.ts';
import { Deadline } from '../deadline.ts';
import type { Body } from '../exchange.ts';
import type { Failure, UpstreamFailureKind } from '../failure.ts';
import { passableTrailers } from '../hop-by-hop.ts';
import type { Limits } from '../protocol.ts';
import { fieldPairs, fieldValue, tokensOf } from '../raw-headers.ts';
import { StreamBody } from '../stream-body.ts';
import { flowInto } from '../stream-sink.ts';
import { classify, type Phase } from './classify.ts';
import { framedHeaders, isIdempotent, responseLength } from './framing.ts';
import type { NodeAgents } from './node-agents.ts';
import type { Call, Receiver, UpstreamRequest } from './upstreams.ts';

/** Longest head of a response, in bytes. Applications set many cookies. */
const RESPONSE_HEAD_BYTES = 65_536;

/** A body that nobody wants is read to its end, up to this many bytes, when that keeps the connection usable. */
const DISCARD_BYTES = 65_536;

/** One request to an upstream with Node's `http.request`. */
export class NodeCall implements Call {
  readonly #request: UpstreamRequest;
  readonly #receiver: Receiver;
  readonly #agents: NodeAgents;
  readonly #limits: Limits;
  readonly #connect: Deadline;
  readonly #response: Deadline;
  #phase: Phase = 'connecting';
  #outgoing: ClientRequest | null = null;
  #tunnel: Socket | null = null;
  /** A final response, a failure or an abort came: nothing else may. */
  #settled = false;
  /** Why the connection was dropped after the response had begun. */
  #cause: Failure | null = null;

  constructor(request: UpstreamRequest, receiver: Receiver, agents: NodeAgents, limits: Limits) {
    this.#request = request;
    this.#receiver = receiver;
    this.#agents = agents;
    this.#limits = limits;
    const { upstreamConnectMs, upstreamResponseMs } = limits;
    this.#connect = new Deadline(upstreamConnectMs, () =>
      this.#fail('connect-timeout', `no connection within ${upstreamConnectMs} ms`),
    );
    this.#response = new Deadline(upstreamResponseMs, () =>
      this.#fail('response-timeout', `no response within ${upstreamResponseMs} ms`),
    );
    this.#attempt(false);
  }

  abort(): void {
    this.#settle();
    this.#drop();
    this.#request.body.cancel();
  }

  #attempt(fresh: boolean): void {
    const { upstream, method, path, body } = this.#request;
    const client = upstream.scheme === 'https' ? https : http;
    const outgoing = client.request({
      ...addressOf(this.#request),
      method,
      path,
      headers: framedHeaders(this.#request),
      agent: this.#agents.agentFor(upstream, fresh),
      setHost: false,
      maxHeaderSize: RESPONSE_HEAD_BYTES,
      insecureHTTPParser: false,
    });
    this.#outgoing = outgoing;
    // Bounded by bytes; a count would silently drop fields.
    outgoing.maxHeadersCount = 0;
    outgoing.on('socket', (socket) => this.#watch(socket, outgoing));
    outgoing.on('finish', () => {
      if (!this.#settled) this.#response.start();
    });
    outgoing.on('information', ({ statusCode, rawHeaders }) => {
      if (this.#settled) return;
      if (outgoing.writableFinished) this.#response.start();
      this.#receiver.inform({ status: statusCode, headers: rawHeaders });
    });
    outgoing.on('response', (incoming) => this.#onResponse(incoming, outgoing));
    outgoing.on('upgrade', (incoming, socket, head) => this.#onUpgrade(incoming, socket, head));
    outgoing.on('error', (error) => this.#onError(error, outgoing));
    outgoing.on('close', () => this.#onClose(outgoing));
    if (body.length === 0) outgoing.end();
    else this.#sendBody(outgoing);
  }

  #sendBody(outgoing: ClientRequest): void {
    const { body } = this.#request;
    // The upstream may have something to say before the body comes. flushHeaders would write the head as UTF-8.
    outgoing.write('', 'latin1');
    flowInto(outgoing, body, {
      stallMs: this.#limits.bodyIdleMs,
      end: (trailers) => {
        if (body.length === null) outgoing.addTrailers(fieldPairs(passableTrailers(trailers)));
        outgoing.end();
      },
      fail: (failure) => this.#giveUp(failure),
      stalled: () => this.#fail('stalled', `took no data for ${this.#limits.bodyIdleMs} ms`),
    });
  }

  #watch(socket: Socket, outgoing: ClientRequest): void {
    if (outgoing.reusedSocket) {
      this.#phase = 'open';
      return;
    }
    this.#connect.start();
    const secure = this.#request.upstream.scheme === 'https';
    const opened = () => {
      this.#phase = 'open';
      this.#connect.stop();
    };
    if (secure) {
      socket.once('connect', () => {
        this.#phase = 'securing';
      });
    }
    socket.once(secure ? 'secureConnect' : 'connect', opened);
  }

  #onResponse(incoming: IncomingMessage, outgoing: ClientRequest): void {
    if (this.#settled) return;
    const status = incoming.statusCode ?? 0;
    if (status < 200 || status > 599) {
      this.#fail('protocol', `the status ${status} is not valid`);
      return;
    }
    this.#settle();
    // A response may be over before the request has been sent whole. Then the connection must not be used again.
    incoming.once('end', () => {
      if (outgoing.writableEnded) return;
      this.#request.body.cancel();
      outgoing.destroy();
    });
    this.#receiver.respond({ status, headers: incoming.rawHeaders }, this.#bodyOf(incoming, outgoing));
  }

  #bodyOf(incoming: IncomingMessage, outgoing: ClientRequest): Body {
    const length = responseLength(incoming.statusCode, incoming.rawHeaders, this.#request.method);
    if (length === 0) {
      incoming.on('error', () => {});
      incoming.resume();
      return emptyBody;
    }
    return new StreamBody(incoming, {
      length,
      // Silence is normal for event streams and long polls; whether the client still listens, its own side knows.
      idle: null,
      broken: 'reset',
      trailers: () => incoming.rawTrailers,
      discard: () => {
        if (length !== null && length <= DISCARD_BYTES) incoming.resume();
        else outgoing.destroy();
      },
      onFail: (failure) => this.#receiver.fail(this.#cause ?? failure),
    });
  }

  #onUpgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    const chosen = fieldValue(incoming.rawHeaders, 'upgrade')?.toLowerCase() ?? '';
    const asked = tokensOf(['upgrade', this.#request.upgrade ?? ''], 'upgrade');
    if (this.#settled || !asked.includes(chosen)) {
      socket.destroy();
      this.#fail('protocol', 'switched to a protocol that nobody asked for');
      return;
    }
    this.#settle();
    this.#tunnel = socket;
    // One side may end while the other goes on.
    socket.allowHalfOpen = true;
    if (head.length > 0) socket.unshift(head);
    const fromUpstream = new StreamBody(socket, {
      length: null,
      idle: null,
      broken: 'reset',
      trailers: () => [],
      discard: () => socket.destroy(),
    });
    const fromClient = this.#receiver.upgrade({ status: 101, headers: incoming.rawHeaders }, fromUpstream);
    flowInto(socket, fromClient, {
      stallMs: this.#limits.bodyIdleMs,
      end: () => socket.end(),
      fail: () => socket.destroy(),
      stalled: () => socket.destroy(),
    });
  }

  /** A kept connection may have been closed by the upstream at the very moment of its use: once, ask again on a new one. */
  #onError(error: Error, outgoing: ClientRequest): void {
    if (this.#settled) return;
    const again =
      outgoing.reusedSocket &&
      this.#request.body.length === 0 &&
      isIdempotent(this.#request.method) &&
      classify(error, this.#phase) === 'reset';
    if (!again) {
      this.#fail(classify(error, this.#phase), messageOf(error));
      return;
    }
    this.#response.stop();
    this.#phase = 'connecting';
    this.#attempt(true);
  }

  #onClose(outgoing: ClientRequest): void {
    if (this.#settled || outgoing !== this.#outgoing) return;
    this.#fail('reset', 'the connection was closed without a response');
  }

  #fail(kind: UpstreamFailureKind, message: string): void {
    this.#giveUp({ kind, message });
  }

  /** After a response has begun, dropping the connection breaks its body, and with that the client's response. */
  #giveUp(failure: Failure): void {
    const before = this.#settled;
    this.#cause = failure;
    this.#settle();
    this.#drop();
    this.#request.body.cancel();
    if (!before) this.#receiver.fail(failure);
  }

  #settle(): void {
    this.#settled = true;
    this.#connect.stop();
    this.#response.stop();
  }

  #drop(): void {
    this.#outgoing?.destroy();
    this.#tunnel?.destroy();
  }
}

function addressOf({ upstream }: UpstreamRequest): https.RequestOptions {
  if (upstream.scheme === 'unix') return { socketPath: upstream.path };
  const { host, port } = upstream;
  // What is verified is the upstream's own name, not the client's Host. An address has no server name (RFC 6066 3).
  return upstream.scheme === 'https'
    ? { host, port, servername: isIP(host) === 0 ? host : '' }
    : { host, port };
}
