import { once } from 'node:events';
import { request as request1 } from 'node:http';
import { connect as connect2 } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Dialer } from '../proxy/upstream/dialer.ts';
import type { Upstream } from '../routing/route.ts';

/** What a health check asks. */
export interface Question {
  readonly upstream: Upstream;
  /** `Host`, or `:authority`. */
  readonly host: string;
  /** Path and query. */
  readonly path: string;
  readonly userAgent: string;
}

/**
 * Asks an upstream with GET over a connection of its own, in the protocol that requests to it use. Resolves with the
 * status of its answer, whose body is left unread; redirects are not followed.
 *
 * @throws the error of the socket, or the reason of `signal`
 */
export type Probe = (question: Question, signal: AbortSignal) => Promise<number>;

/** A probe that reaches upstreams as the proxy does, TLS included. */
export function httpProbe(dialer: Dialer): Probe {
  return async (question, signal) => {
    signal.throwIfAborted();
    const socket = dialer.dial(question.upstream, ['h2', 'http/1.1'], null);
    // What goes wrong after the answer is of no interest, and must not end this process.
    socket.on('error', () => {});
    const giveUp = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await once(socket, socket instanceof TLSSocket ? 'secureConnect' : 'connect');
      return await (speaksHttp2(socket, question.upstream) ? ask2 : ask1)(socket, question);
    } finally {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
    }
  };
}

function speaksHttp2(socket: Socket, { scheme }: Upstream): boolean {
  return scheme === 'h2c' || (socket instanceof TLSSocket && socket.alpnProtocol === 'h2');
}

function ask1(socket: Socket, { host, path, userAgent }: Question): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { host, 'user-agent': userAgent, connection: 'close' };
  const request = request1({ createConnection: () => socket, path, headers });
  request.on('response', ({ statusCode = 0 }) => resolve(statusCode));
  request.on('error', reject);
  request.end();
  return promise;
}

function ask2(socket: Socket, { host, path, userAgent }: Question): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const scheme = socket instanceof TLSSocket ? 'https' : 'http';
  const session = connect2(`${scheme}://${host}`, { createConnection: () => socket });
  session.on('error', reject);
  const stream = session.request({ ':authority': host, ':path': path, 'user-agent': userAgent });
  stream.on('response', ({ ':status': status = 0 }) => resolve(status));
  stream.on('error', reject);
  // Whatever else there is to hear, nobody answers any more.
  stream.on('close', () => reject(new Error('the stream was closed without an answer')));
  return promise;
}
