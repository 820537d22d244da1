import http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ClientConnection, EngineOptions } from '../client-connection.ts';
import type { Limits } from '../protocol.ts';
import { NodeHttp2Connection } from './node-connection.ts';

/** HTTP/2 with clients, with Node's own sessions behind it. */
export class NodeHttp2 {
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #session: http2.ServerSessionOptions;

  constructor(options: EngineOptions, limits: Limits) {
    this.#options = options;
    this.#limits = limits;
    this.#session = sessionOptions(limits);
  }

  accept(socket: TLSSocket): ClientConnection {
    const session = http2.performServerHandshake(socket, this.#session);
    // The listeners are half-open for the sake of HTTP/1.1. Here a client that closes its side has left, and Node, which
    // waits for somebody to close the other side, would keep the session for ever.
    socket.once('end', () => session.destroy());
    return new NodeHttp2Connection(session, socket.remoteAddress ?? null, this.#options, this.#limits);
  }
}

/** Bounds for what one client can make this side hold or do. */
function sessionOptions(limits: Limits): http2.ServerSessionOptions {
  return {
    settings: {
      enablePush: false,
      maxConcurrentStreams: 100,
      initialWindowSize: 65_535,
      // Above this a stream is reset; between headBytes and this it gets a proper 431.
      maxHeaderListSize: limits.headBytes * 4,
    },
    // Counted by the connection, which answers 431; Node would reset the stream.
    maxHeaderListPairs: limits.headFields * 4,
    // In megabytes, for all that one connection makes Node hold: headers, unsent data, settings.
    maxSessionMemory: 10,
    maxSettings: 32,
    maxOutstandingPings: 10,
    // A flood of broken frames, refused or reset streams (CVE-2023-44487) ends the connection.
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    streamResetBurst: 200,
    streamResetRate: 33,
    // An upstream may send a field twice that HTTP knows once; that is not ours to refuse.
    strictSingleValueFields: false,
  };
}
