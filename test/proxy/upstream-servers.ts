import http from 'node:http';
import net from 'node:net';
import { onTestFinished } from 'vitest';
import type { Upstream } from '../../src/routing/route.ts';
import { listen } from './fixture.ts';

export type HttpUpstream = Upstream & {
  readonly scheme: 'http';
  readonly port: number;
  readonly server: http.Server;
};

/** An upstream that is a server of Node. */
export async function httpUpstream(
  answer: http.RequestListener,
  options: http.ServerOptions = {},
): Promise<HttpUpstream> {
  const server = http.createServer(options, answer);
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { scheme: 'http', host: '127.0.0.1', port, server };
}

export interface RawConnection {
  readonly socket: net.Socket;
  /** Every byte that came, as latin1. */
  received: string;
}

export interface RawUpstream {
  readonly scheme: 'http';
  readonly host: string;
  readonly port: number;
  readonly connections: readonly RawConnection[];
  /** Every byte that came over all connections, as latin1. */
  readonly received: string;
}

/** An upstream that records the bytes it gets; `onData` is called with each connection as more comes. */
export async function rawUpstream(
  onData: (connection: RawConnection, more: string) => void,
  options: net.ServerOpts = {},
): Promise<RawUpstream> {
  const connections: RawConnection[] = [];
  const server = net.createServer(options, (socket) => {
    const connection: RawConnection = { socket, received: '' };
    connections.push(connection);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      connection.received += text;
      onData(connection, text);
    });
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    for (const { socket } of connections) socket.destroy();
  });
  return {
    scheme: 'http',
    host: '127.0.0.1',
    port,
    connections,
    get received() {
      return connections.map(({ received }) => received).join('');
    },
  };
}

/** Answers every request head with `response`. For requests without a body. */
export function answering(response: string): (connection: RawConnection, more: string) => void {
  return ({ socket }, more) => {
    const heads = more.split('\r\n\r\n').length - 1;
    for (let n = 0; n < heads; n++) socket.write(response, 'latin1');
  };
}

/** A short complete response. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
