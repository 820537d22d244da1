import { createServer as createHttpServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { RigilError, systemCodeOf } from '../errors.ts';
import { httpAnswer, tlsAlpnKey } from './answer-key.ts';
import type { Board, ChallengeAnswer, TakeDown } from './board.ts';

/** Where to listen. Host null = all interfaces; port 0 = any free one. */
export interface StandaloneAddress {
  readonly host: string | null;
  readonly port: number;
}

/**
 * A board with listeners of its own, for commands that run without a daemon. A listener is opened with the first
 * answer of its kind and closed with the last, so that a port is held no longer than a CA looks at it.
 */
export class StandaloneBoard implements Board {
  readonly #addresses: Readonly<Record<ChallengeAnswer['type'], StandaloneAddress>>;
  readonly #answers = new Map<string, ChallengeAnswer>();
  readonly #open = new Map<ChallengeAnswer['type'], { readonly server: Promise<Listener>; users: number }>();

  /** @param addresses default: port 80 for http-01 and port 443 for tls-alpn-01, on all interfaces */
  constructor(addresses: Partial<Record<ChallengeAnswer['type'], StandaloneAddress>> = {}) {
    this.#addresses = {
      'http-01': addresses['http-01'] ?? { host: null, port: 80 },
      'tls-alpn-01': addresses['tls-alpn-01'] ?? { host: null, port: 443 },
    };
  }

  /** @throws RigilError `address-in-use`, `address-forbidden`, `address-unusable` */
  async put(key: string, answer: ChallengeAnswer, signal: AbortSignal): Promise<TakeDown> {
    signal.throwIfAborted();
    this.#answers.set(key, answer);
    const takeDown = async () => {
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
      await this.#leave(answer.type);
    };
    try {
      await this.#enter(answer.type);
    } catch (error) {
      await takeDown();
      throw error;
    }
    return takeDown;
  }

  /** The port of the open listener of a kind, or null. */
  async port(type: ChallengeAnswer['type']): Promise<number | null> {
    const listener = await this.#open.get(type)?.server;
    const address = listener?.server.address() ?? null;
    return typeof address === 'object' ? (address?.port ?? null) : null;
  }

  async #enter(type: ChallengeAnswer['type']): Promise<void> {
    const open = this.#open.get(type) ?? {
      server: listen(this.#server(type), this.#addresses[type], type),
      users: 0,
    };
    open.users++;
    this.#open.set(type, open);
    await open.server;
  }

  async #leave(type: ChallengeAnswer['type']): Promise<void> {
    const open = this.#open.get(type);
    if (open === undefined || --open.users > 0) return;
    this.#open.delete(type);
    await open.server.then(
      ({ close }) => close(),
      () => {},
    );
  }

  #server(type: ChallengeAnswer['type']): NetServer {
    switch (type) {
      case 'http-01':
        return httpServer(this.#answers);
      case 'tls-alpn-01':
        return tlsServer(this.#answers);
      default: {
        const unknown: never = type;
        throw new RigilError('internal', `no listener for ${String(unknown)}`);
      }
    }
  }
}

/** Bounds against strangers: the ports are open to everybody. */
const MOST_CONNECTIONS = 100;
const REQUEST_MS = 10_000;

function httpServer(answers: ReadonlyMap<string, ChallengeAnswer>): NetServer {
  const limits = { maxHeaderSize: 8_192, headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS };
  return createHttpServer(limits, (request, response) => {
    const body = httpAnswer(answers, request.url ?? '');
    response.setHeader('connection', 'close');
    response.setHeader('content-type', 'text/plain');
    response.statusCode = body === null ? 404 : 200;
    response.end(body ?? 'not found\n');
  });
}

/** Speaks nothing but `acme-tls/1` (RFC 8737 4): the handshake is the whole conversation. */
function tlsServer(answers: ReadonlyMap<string, ChallengeAnswer>): NetServer {
  const server = createTlsServer({
    ALPNProtocols: ['acme-tls/1'],
    handshakeTimeout: REQUEST_MS,
    SNICallback: (serverName, respond) => {
      const answer = answers.get(tlsAlpnKey(serverName));
      if (answer?.type === 'tls-alpn-01') {
        respond(null, createSecureContext({ cert: answer.chain, key: answer.key }));
      } else {
        respond(new Error('unrecognized name'));
      }
    },
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.end();
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

interface Listener {
  readonly server: NetServer;
  /** Ends it at once, with all that is connected. */
  close(): Promise<void>;
}

async function listen(server: NetServer, { host, port }: StandaloneAddress, type: string): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.maxConnections = MOST_CONNECTIONS;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, ...(host === null ? {} : { host }) }, resolve);
  await promise.catch((cause: unknown) => {
    throw listenError(cause, host === null ? `:${port}` : `${host}:${port}`, type);
  });
  server.off('error', reject);
  return {
    server,
    close: () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      return closed.promise;
    },
  };
}

function listenError(cause: unknown, address: string, type: string): RigilError {
  switch (systemCodeOf(cause)) {
    case 'EADDRINUSE':
      return new RigilError(
        'address-in-use',
        `${address} is needed for ${type}, but another program listens there`,
        {
          cause,
          hint: 'start `rigil serve`, which answers for this command, or use `challenge dns-01`',
        },
      );
    case 'EACCES':
    case 'EPERM':
      return new RigilError(
        'address-forbidden',
        `this user may not listen on ${address}, which ${type} needs`,
        {
          cause,
          hint: 'run as root or with CAP_NET_BIND_SERVICE, or start `rigil serve`, which answers for this command',
        },
      );
    default:
      return new RigilError('address-unusable', `cannot listen on ${address}, which ${type} needs`, {
        cause,
      });
  }
}
