import * as net from 'node:net';
import type { GivenSocket } from './give.ts';
import type { FromPorter, ToPorter } from './messages.ts';

/**
 * Carries sockets to a successor: the program that `giveSockets` starts. Its channel is the connection to the
 * successor, and the sockets are inherited. Exits with 0 when the successor said that it is ready, else with 1.
 */

/** A successor that is not ready by then never will be, in milliseconds. */
const PATIENCE_MS = 120_000;
/** How often it is looked whether the successor is there, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** What `node:cluster` makes of an inherited descriptor: there is nothing public that does not listen at once. */
const { _createServerHandle: handleOf } = net as unknown as {
  _createServerHandle(address: null, port: 0, type: 0, fd: number): net.Server | number;
};

function send(message: FromPorter, handle?: net.Server): void {
  process.send?.(message, handle);
}

process.on('message', (message: ToPorter) => {
  if (message.type === 'ready') process.exit(0);
});
// While a socket waits for its acknowledgement, Node keeps the event `disconnect` back.
setInterval(() => {
  if (!process.connected) process.exit(1);
}, LOOK_EVERY_MS);
// Ctrl-C reaches the whole group of the holder; what it means is for the holder to say.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {});
setTimeout(() => process.exit(1), PATIENCE_MS);

for (const { role, address, fd } of JSON.parse(process.argv[2] ?? '[]') as GivenSocket[]) {
  const handle = handleOf(null, 0, 0, fd);
  if (typeof handle === 'number') throw new Error(`descriptor ${fd} is no socket`);
  send({ type: 'socket', role, address }, handle);
}
send({ type: 'all' });
