import type { Cuts } from '../field-kind.ts';
import type { ResponseParser } from '../http1/response-parser.ts';
import type { HpackEncoder } from './hpack/encoder.ts';

/**
 * Encodes a response of HTTP/1 as a header block, without the lines of the kinds in `cuts` (at least FORWARD_CUTS, since
 * HTTP/2 forbids the fields of one connection: RFC 9113 8.2.2). The caller has begun the block and may add to it.
 */
export function encodeResponse(encoder: HpackEncoder, head: ResponseParser, cuts: Cuts): void {
  const { fields } = head;
  encoder.status(head.status);
  for (let index = 0; index < fields.count; index += 1) {
    if (cuts[fields.kind(index)] === 1) continue;
    encoder.field(
      fields.bytes,
      fields.nameFrom(index),
      fields.nameTo(index),
      fields.valueFrom(index),
      fields.valueTo(index),
    );
  }
}
