import { codeOf, RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import type { PlacedOrder } from './order.ts';
import { type OrderDemand, type OrderInFlight, readNote, whyNot } from './order-in-flight.ts';
import type { Protocol } from './protocol.ts';
import { readOrder } from './resources.ts';

/** What became of a noted order: it goes on, or why it does not. */
export type Resumption =
  | { readonly noted: OrderInFlight; readonly placed: PlacedOrder }
  | { readonly noted: null; readonly why: string };

/**
 * Asks the CA how a noted order is.
 *
 * @param note the note, see `writeNote`
 * @throws RigilError when the CA cannot be asked now
 */
export async function resumeOrder(
  protocol: Protocol,
  note: string,
  wanted: OrderDemand,
  now: Instant,
): Promise<Resumption> {
  const noted = readNote(note);
  if (noted === null) return { noted: null, why: 'its note cannot be read' };
  const why = whyNot(noted, wanted, now);
  const { url } = noted;
  if (why !== null || url === null) return { noted: null, why: why ?? '' };
  try {
    const order = readOrder((await protocol.read(url)).data);
    return order.status === 'invalid'
      ? { noted: null, why: 'the CA has given it up' }
      : { noted, placed: { url, order } };
  } catch (error) {
    if (!(error instanceof RigilError) || !isGone(error)) throw error;
    return { noted: null, why: `the CA does not know it any more: ${error.message}` };
  }
}

/**
 * Whether an order that was gone on with failed in a way that is its own: the CA may have looked for proofs while nobody
 * gave any, or the certificate be for another key. Then a new order may succeed.
 */
export function failedByItself(error: RigilError): boolean {
  const { code } = error;
  return isGone(error) || code === 'challenge-failed' || code === 'certificate-unusable';
}

/** A CA says so in many ways: 404, "malformed", "unauthorized", or a page that is no order. */
function isGone(error: RigilError): boolean {
  return ['issuer-refused', 'issuer-answer-invalid'].includes(codeOf(error));
}
