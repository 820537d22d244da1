import { addressText, type BindAddress } from '../platform/bind.ts';

/** A server of the control process, and where it listens. */
export interface ControlServer {
  readonly role: 'admin' | 'ocsp';
  /** As it was asked for, for people. */
  readonly address: string;
  close(): Promise<void>;
}

/** A server that a configuration wants. */
export interface WantedServer {
  readonly role: ControlServer['role'];
  readonly address: BindAddress;
  /** Makes it, when it does not listen yet. */
  make(): { listen(address: BindAddress): Promise<void>; close(): Promise<void> };
}

/**
 * Opens what does not listen yet; what stays is never closed.
 *
 * @param open what listens already
 * @throws RigilError when an address cannot be had; then nothing has changed
 */
export async function openServers(
  wanted: readonly WantedServer[],
  open: readonly ControlServer[],
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
      const server = make();
      await server.listen(address);
      const opened = { role, address: text, close: () => server.close() };
      fresh.push(opened);
      servers.push(opened);
    }
    return servers;
  } catch (error) {
    await Promise.all(fresh.map((server) => server.close()));
    throw error;
  }
}
