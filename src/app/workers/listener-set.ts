import { RigilError } from '../../errors.ts';
import { addressText, type BindAddress, type BoundSocket, bind } from '../../platform/bind.ts';
import type { WorkerListener } from '../../proxy/protocol.ts';

export type ListenerRole = 'http' | 'https';

/** A bound socket and what it is for. */
export interface OpenListener extends BoundSocket {
  readonly role: ListenerRole;
}

/** What a worker gets: see `WorkerListener`. */
export interface WorkerSocket extends BoundSocket {
  readonly role: WorkerListener['role'];
}

/** Where a configuration wants to be reached. */
export interface ListenerAddresses {
  readonly http: readonly BindAddress[];
  readonly https: readonly BindAddress[];
  /** What can be done without: an address that cannot be had is left out. Default: none. */
  readonly besides?: {
    readonly http: readonly BindAddress[];
    readonly https: readonly BindAddress[];
    readonly onMissing: (address: string, error: RigilError) => void;
  };
}

/**
 * Binds what is not bound yet; what stays is never closed, so no connection that waits on it is lost.
 *
 * @param open what is bound already
 * @throws RigilError with every address that cannot be had and not be done without; then nothing has changed
 */
export async function bindListeners(
  addresses: ListenerAddresses,
  open: readonly OpenListener[] = [],
): Promise<OpenListener[]> {
  const wanted = (['https', 'http'] as const).flatMap((role) => [
    ...addresses[role].map((address) => ({ role, address, isNeeded: true })),
    ...(addresses.besides?.[role] ?? []).map((address) => ({ role, address, isNeeded: false })),
  ]);
  const fresh: OpenListener[] = [];
  const errors: RigilError[] = [];
  const listeners: OpenListener[] = [];
  for (const { role, address, isNeeded } of wanted) {
    const kept = open.find((listener) => listener.role === role && listener.address === addressText(address));
    if (kept !== undefined) {
      listeners.push(kept);
      continue;
    }
    try {
      const listener = { ...(await bind(address)), role };
      fresh.push(listener);
      listeners.push(listener);
    } catch (error) {
      if (!(error instanceof RigilError)) throw error;
      if (isNeeded) errors.push(error);
      else addresses.besides?.onMissing(addressText(address), error);
    }
  }
  const [first] = errors;
  if (first === undefined) return listeners;
  for (const listener of fresh) listener.close();
  throw new RigilError(first.code, errors.map(({ message }) => message).join('; '), {
    hint:
      [...new Set(errors.map(({ hint }) => hint))].filter((hint) => hint !== null).join('; ') || undefined,
    cause: first,
  });
}
