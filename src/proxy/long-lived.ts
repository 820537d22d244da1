import { FIELD } from './codec/field-kind.ts';
import { ascii, isName } from './codec/octets.ts';
import type { ResponseHead } from './exchange.ts';
import { fieldValue } from './raw-headers.ts';

/** Whether a response lasts as long as both sides like: a drain gives it more time than a request. */
export function isEventStream(head: ResponseHead): boolean {
  const { table } = head;
  if (table === undefined) {
    return fieldValue(head.headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') === true;
  }
  const index = table.find(FIELD.contentType);
  if (index < 0) return false;
  const from = table.valueFrom(index);
  const to = Math.min(table.valueTo(index), from + EVENT_STREAM.length);
  return isName(table.bytes, from, to, EVENT_STREAM);
}

const EVENT_STREAM = ascii('text/event-stream');
