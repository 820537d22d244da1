import { addressText, type BindAddress, type BoundSocket, bind } from '../platform/bind.ts';

/** A server of the control process, and where it listens. */
export interface ControlServer {
  readonly role: 'admin' | 'ocsp';
  /** As it was asked for, for people. */
  readonly address: string;
  readonly fd: number;
  close(): Promise<void>;
  /** Leaves its address to a successor that has the socket, too; what runs is answered. */
  letGo(): void;
}

/** A socket that a former daemon has handed over. */
export interface HandedSocket extends BoundSocket {
  readonly role: string;
}

/** A server that a configuration wants. */
export interface WantedServer {
  readonly role: ControlServer['role'];
  readonly address: BindAddress;
  /** Makes it, when it does not listen yet. */
  make(): {
    listen(address: BindAddress, socket: BoundSocket): Promise<void>;
    finish(): void;
    close(): Promise<void>;
  };
}

/**
 * Opens what does not listen yet; what stays is never closed.
 *
 * @param open what listens already
 * @param handed sockets to use rather than to bind new ones
 * @throws RigilError when an address cannot be had; then nothing has changed
 */
export async function openServers(
  wanted: readonly WantedServer[],
  open: readonly ControlServer[],
  handed: readonly HandedSocket[],
): Promise<readonly ControlServer[]> {
  const servers: ControlServer[] = [];
  const fresh: ControlServer[] = [];
  try {
    for (const { role, address, make } of wanted) {
      const text = addressText(address);
      const kept = open.find((server) => server.role === role && server.address === text);
      if (kept !== undefined) {
        servers.push(kept);
        continue;
      }
      const former = handed.find((socket) => socket.role === role && socket.address === text);
      const socket = former ?? (await bind(address));
      const server = make();
      const opened = {
        role,
        address: text,
        fd: socket.fd,
        close: async () => {
          await server.close();
          socket.close();
        },
        letGo: () => {
          server.finish();
          socket.letGo();
        },
      };
      fresh.push(opened);
      await server.listen(address, socket);
      servers.push(opened);
    }
    return servers;
  } catch (error) {
    await Promise.all(fresh.map((server) => server.close()));
    throw error;
  }
}
