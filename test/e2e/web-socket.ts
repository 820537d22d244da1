import { readFileSync } from 'node:fs';
import { type ClientOptions, WebSocket } from 'ws';
import type { Daemon } from './daemon.ts';

/** An open WebSocket through the daemon to the upstream of `name`. Default trust: the local CA. */
export async function openWebSocket(
  daemon: Daemon,
  name: string,
  trust: Pick<ClientOptions, 'ca' | 'rejectUnauthorized'> = { ca: readFileSync(daemon.root) },
): Promise<WebSocket> {
  const options: ClientOptions & { servername: string } = {
    ...trust,
    servername: name,
    headers: { host: name },
  };
  const socket = new WebSocket(`wss://127.0.0.1:${daemon.ports.https}/`, options);
  await new Promise((done, failed) => socket.once('open', done).once('error', failed));
  return socket;
}

/** Sends `text` and resolves with the next message. */
export function echoed(socket: WebSocket, text: string): Promise<string> {
  const answer = new Promise<string>((done, failed) => {
    socket.once('message', (data) => done(String(data)));
    socket.once('error', failed);
  });
  socket.send(text);
  return answer;
}
