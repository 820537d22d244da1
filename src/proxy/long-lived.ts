import { FIELD } from './codec/field-kind.ts';
import type { FieldTable } from './codec/field-table.ts';
import { ascii, isName } from './codec/octets.ts';
import type { RawHeaders, ResponseHead } from './exchange.ts';
import { fieldValue } from './raw-headers.ts';

/**
 * Whether a response lasts as long as both sides like, so that a drain gives it more time than a request: an event stream,
 * or a call of gRPC, which may be one.
 */
export function isLongLived(head: ResponseHead): boolean {
  const { table } = head;
  if (table !== undefined) return hasType(table, EVENT_STREAM) || hasType(table, GRPC);
  const type = fieldValue(head.headers, 'content-type')?.toLowerCase() ?? '';
  return type.startsWith('text/event-stream') || type.startsWith('application/grpc');
}

/**
 * Whether a request is a call of gRPC. Those last as long as client and server like, whoever is silent meanwhile: the
 * client sets a deadline if it wants one. Fields that stand in a table need not be in `headers`.
 */
export function isGrpcRequest(request: {
  readonly headers: RawHeaders;
  readonly table?: FieldTable | undefined;
  readonly passed?: FieldTable | undefined;
}): boolean {
  const table = request.table ?? request.passed;
  if (table !== undefined) return hasType(table, GRPC);
  return fieldValue(request.headers, 'content-type')?.toLowerCase().startsWith('application/grpc') === true;
}

function hasType(table: FieldTable, type: Uint8Array): boolean {
  const index = table.find(FIELD.contentType);
  if (index < 0) return false;
  const from = table.valueFrom(index);
  return isName(table.bytes, from, Math.min(table.valueTo(index), from + type.length), type);
}

const EVENT_STREAM = ascii('text/event-stream');
const GRPC = ascii('application/grpc');
