import { connect } from 'node:net';
import { MalformedMessage, uint16 } from './message.ts';

/**
 * Sends one DNS message over TCP and reads one (RFC 7766: each with its length before it).
 *
 * @throws MalformedMessage when the connection ends before a whole message; the system's error when it fails; an
 *   `AbortError` when `signal` aborts
 */
export function exchange(
  server: { readonly host: string; readonly port: number },
  message: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...server, signal });
    let received = Buffer.alloc(0);
    socket.on('connect', () => {
      socket.write(Buffer.concat([uint16(message.length), message]));
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      // A length is 16 bits, so no more than 64 KiB are ever waited for.
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return;
      resolve(received.subarray(2, 2 + received.readUInt16BE()));
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new MalformedMessage('the connection ends early', received.length)));
  });
}
