import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface SocketPair {
  readonly near: Socket;
  readonly far: Socket;
}

/** The two ends of one TCP connection on loopback. Whoever asks for them destroys them. */
export async function socketPair(): Promise<SocketPair> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  if (near.connecting) await once(near, 'connect');
  return { near, far };
}
