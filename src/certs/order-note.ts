import { codeOf } from '../errors.ts';
import type { CertificateId } from './certificate.ts';
import type { OrderNote, Ports, StoreLock } from './ports.ts';
import { askStore, reportProblem } from './store-access.ts';

/** Longest time to write a note, in milliseconds. The lock does not last much longer without its store. */
const WRITE_MS = 10_000;

/**
 * The note of the order in flight for one certificate, for whoever has its lock.
 *
 * @param signal ends reading; writing goes on after it, since an order that is broken off has to be noted as ended
 */
export function orderNoteUnder(
  lock: StoreLock,
  id: CertificateId,
  ports: Ports,
  signal: AbortSignal,
): OrderNote {
  const write = async (note: string | null): Promise<void> => {
    const never = new AbortController().signal;
    await askStore(ports, never, () => ports.store.writeOrder(id, note, lock), WRITE_MS);
  };
  return {
    lost: lock.lost,
    read: async () => (await readOrderNote(id, ports, signal))?.toString() ?? null,
    write: (content) => write(content),
    erase: () => write(null),
  };
}

/**
 * The note of an order in flight, also of one that somebody else began.
 *
 * @throws RigilError that of the store. One that can never be opened is reported and counts as none
 */
export async function readOrderNote(
  id: CertificateId,
  ports: Ports,
  signal: AbortSignal,
): Promise<Buffer | null> {
  try {
    return await askStore(ports, signal, () => ports.store.readOrder(id));
  } catch (error) {
    if (codeOf(error) !== 'store-sealed' && codeOf(error) !== 'store-damaged') throw error;
    reportProblem(ports, `the note of an order for ${id} is of no use`, error);
    return null;
  }
}
