import { type AddressInfo, createServer, type Socket } from 'node:net';
import { encodeFrame } from '../../../src/config/source/frames.ts';

/** A configuration server as Centauri knows them: sends what it has to whoever connects, and every change after. */
export interface PushServer extends AsyncDisposable {
  readonly port: number;
  /** `config-source` of it. */
  readonly url: string;
  /** How many connections there ever were. */
  readonly connections: number;
  /** Sends a configuration now, and to whoever connects later. */
  push(text: string): void;
  /** Sends these bytes now, whatever they are. */
  pushBytes(bytes: Uint8Array): void;
  /** Ends all connections, and accepts further ones. */
  hangUp(): void;
  close(): Promise<void>;
}

/** @param first what a new connection gets; null = nothing yet. @param port 0 = any */
export async function startPushServer(first: string | null = null, port = 0): Promise<PushServer> {
  const sockets = new Set<Socket>();
  let current = first;
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
    if (current !== null) socket.write(encodeFrame(Buffer.from(current)));
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', done);
  });
  const pushBytes = (bytes: Uint8Array) => {
    for (const socket of sockets) socket.write(bytes);
  };
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  const bound = (server.address() as AddressInfo).port;
  const close = async () => {
    hangUp();
    await new Promise((done) => server.close(done));
  };
  return {
    port: bound,
    url: `tcp://127.0.0.1:${bound}`,
    get connections() {
      return connections;
    },
    push(text) {
      current = text;
      pushBytes(encodeFrame(Buffer.from(text)));
    },
    pushBytes,
    hangUp,
    close,
    [Symbol.asyncDispose]: close,
  };
}
