import type { Socket } from 'node:net';

/**
 * Gives `take` the bytes of a socket as they come. They are its own.
 *
 * Node pushes them into the socket's Readable, which emits them in the same step, and then plans a look whether more should
 * be read: that is a tenth of the CPU time of a small request, and always in vain, since a socket reads on by itself. So
 * `push`, where nobody has stopped the socket and nothing waits in it, passes them on at once. In any other case, and
 * should Node ever not call it, they come by `data`.
 */
export function readDirectly(socket: Socket, take: (bytes: Buffer) => void): void {
  socket.on('data', take);
  // Bound, and no closure: docs/decisions/0020.
  socket.push = pushDirectly.bind(undefined, socket, take, socket.push);
}

function pushDirectly(
  socket: Socket,
  take: (bytes: Buffer) => void,
  push: Socket['push'],
  chunk: unknown,
  encoding?: BufferEncoding,
): boolean {
  if (Buffer.isBuffer(chunk) && socket.readableFlowing === true && socket.readableLength === 0) {
    take(chunk);
    return true;
  }
  return push.call(socket, chunk, encoding);
}
