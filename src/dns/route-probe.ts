import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/**
 * Whether the operating system knows a way to `address`. Sends nothing: connecting a UDP socket only looks the route
 * up. A machine without IPv6 says no for every IPv6 address.
 */
export function hasRoute(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const settle = (answer: boolean): void => {
      socket.close();
      resolve(answer);
    };
    socket.once('error', () => settle(false));
    socket.once('connect', () => settle(true));
    socket.connect(53, address);
  });
}
