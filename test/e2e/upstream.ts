import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';

/** An upstream on a port of its own: answers HTTP, echoes WebSockets. */
export interface Upstream extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:<port>`, as an `upstream` directive takes it. */
  readonly address: string;
}

/** Starts an upstream that answers with `handle`; without one it says its `name` and the path. */
export async function startUpstream(
  name: string,
  handle: (request: IncomingMessage, response: ServerResponse) => void = (request, response) => {
    response.end(`${name} ${request.url}\n`);
  },
): Promise<Upstream> {
  const server = createServer(handle);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (client) => {
    client.on('message', (data, binary) => client.send(data, { binary }));
    // Some proxies break the protocol when they end a connection.
    client.on('error', () => {});
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
