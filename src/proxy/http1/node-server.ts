import http, { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { systemCodeOf } from '../../errors.ts';
import type { ClientConnection, EngineOptions } from '../client-connection.ts';
import type { Limits } from '../protocol.ts';
import { fieldValue } from '../raw-headers.ts';
import { upgradeOf } from '../upgrade.ts';
import { NodeHttp1Connection } from './node-connection.ts';
import { NodeHttp1Exchange } from './node-exchange.ts';
import { bodyLengthOf, problemOf, statusOfParserError } from './request-rules.ts';

/** HTTP/1.0 and HTTP/1.1 with clients, with Node's own server behind it. It is given connections and never listens. */
export class NodeHttp1 {
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #server: http.Server;
  readonly #connections = new WeakMap<Socket, NodeHttp1Connection>();

  constructor(options: EngineOptions, limits: Limits) {
    this.#options = options;
    this.#limits = limits;
    this.#server = http.createServer({
      insecureHTTPParser: false,
      maxHeaderSize: limits.headBytes,
      headersTimeout: limits.headTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, Math.ceil(limits.headTimeoutMs / 4)),
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      // The handler refuses a missing Host like any other bad one.
      requireHostHeader: false,
      shouldUpgradeCallback: isUpgrade,
    });
    // Counted by problemOf: Node would drop what is too much and say nothing.
    this.#server.maxHeadersCount = 0;
    this.#server.on('request', (incoming, response) => this.#onRequest(incoming, response));
    this.#server.on('checkContinue', (incoming, response) => this.#onRequest(incoming, response));
    this.#server.on('checkExpectation', (incoming, response) => this.#onRequest(incoming, response));
    this.#server.on('upgrade', (incoming, _socket, head) => this.#onDetached(incoming, head));
    this.#server.on('connect', (incoming, _socket, head) => this.#onDetached(incoming, head));
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket as Socket));
    // A server that does not listen would never look at headersTimeout: this event starts its clock.
    this.#server.emit('listening');
  }

  accept(socket: Socket): ClientConnection {
    const connection = new NodeHttp1Connection(socket, this.#options);
    this.#connections.set(socket, connection);
    this.#server.emit('connection', socket);
    return connection;
  }

  #onRequest(incoming: IncomingMessage, response: ServerResponse): void {
    // After an upgrade that was not taken, Node loses what came with the same packet.
    const lossy = fieldValue(incoming.rawHeaders, 'upgrade') !== null;
    this.#enqueue(incoming, response, null, lossy);
  }

  /** The socket is no longer Node's: an upgrade may be taken, CONNECT is refused; either way it is the last request. */
  #onDetached(incoming: IncomingMessage, early: Buffer): void {
    const connection = this.#connections.get(incoming.socket);
    incoming.socket.on('error', () => {});
    if (connection === undefined || connection.busy) {
      // Behind another request: whoever answers could mix up the two.
      connection?.malformed(400);
      return;
    }
    const response = new ServerResponse(incoming);
    response.assignSocket(incoming.socket);
    response.on('finish', () => incoming.socket.destroySoon());
    const protocols = isUpgrade(incoming) ? upgradeOf(incoming.rawHeaders) : null;
    this.#enqueue(incoming, response, protocols === null ? null : { protocols, early }, true);
  }

  #enqueue(
    incoming: IncomingMessage,
    response: ServerResponse,
    upgrade: { readonly protocols: string; readonly early: Buffer } | null,
    last: boolean,
  ): void {
    const connection = this.#connections.get(incoming.socket);
    if (connection === undefined) return;
    const exchange = new NodeHttp1Exchange(incoming, response, {
      scheme: this.#options.scheme,
      limits: this.#limits,
      remoteAddress: connection.remoteAddress,
      upgrade,
      closing: () => last || connection.closing,
    });
    connection.enqueue(exchange, problemOf(incoming, this.#limits));
  }

  #onClientError(error: Error, socket: Socket): void {
    const status = statusOfParserError(systemCodeOf(error));
    const connection = this.#connections.get(socket);
    if (status === null || connection === undefined) socket.destroy();
    else connection.malformed(status);
  }
}

/** Only a request without body is upgraded, and only to something that is passed on. */
function isUpgrade(incoming: IncomingMessage): boolean {
  return (
    incoming.httpVersion === '1.1' && bodyLengthOf(incoming) === 0 && upgradeOf(incoming.rawHeaders) !== null
  );
}
