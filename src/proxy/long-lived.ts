import type { ResponseHead } from './exchange.ts';
import { fieldValue } from './raw-headers.ts';

/** Whether a response lasts as long as both sides like: a drain gives it more time than a request. */
export function isEventStream({ headers }: ResponseHead): boolean {
  return fieldValue(headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') === true;
}
