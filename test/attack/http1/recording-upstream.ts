import { OK, type RawUpstream, rawUpstream } from '../../proxy/upstream-servers.ts';
import { readRequests } from './read-requests.ts';

/**
 * An upstream that keeps every byte, and answers each whole request with {@link OK}. It throws nothing away: what it
 * cannot read stays for the test to see.
 */
export async function recordingUpstream(): Promise<RawUpstream> {
  const answered = new Map<object, number>();
  return rawUpstream((connection) => {
    const before = answered.get(connection) ?? 0;
    const { requests } = readRequests(connection.received);
    answered.set(connection, requests.length);
    for (const { method } of requests.slice(before)) {
      connection.socket.write(method === 'HEAD' ? OK.slice(0, -2) : OK, 'latin1');
    }
  });
}
