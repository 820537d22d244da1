import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../codec/field-kind.ts';
import { fieldLine } from '../codec/http1/field-line.ts';
import type { HpackEncoder } from '../codec/http2/hpack/encoder.ts';
import type { RawHeaders, ResponseHead } from '../exchange.ts';
import { connectionFields } from '../hop-by-hop.ts';
import { eachField } from '../raw-headers.ts';

/**
 * Encodes a response head as a header block (RFC 9113 8.3.2), straight from its table where it has one.
 *
 * @param trailers whether there may be trailers: then they may be announced
 */
export function encodeHead(encoder: HpackEncoder, head: ResponseHead, trailers: boolean): void {
  const { status, table } = head;
  encoder.begin();
  encoder.status(status);
  if (table === undefined) {
    encodeFields(encoder, head.headers, (key) => {
      if (key === 'trailer') return trailers;
      // RFC 9110 8.6: never with 204.
      return key !== 'content-length' || status !== 204;
    });
    return;
  }
  const cuts = cutsFor(status, trailers);
  for (let index = 0; index < table.count; index += 1) {
    if (cuts[table.kind(index)] === 1) continue;
    encoder.field(
      table.bytes,
      table.nameFrom(index),
      table.nameTo(index),
      table.valueFrom(index),
      table.valueTo(index),
    );
  }
  const { added } = head;
  if (added === undefined) return;
  for (let index = 0; index + 1 < added.length; index += 2) {
    encoder.text(added[index] ?? '', added[index + 1] ?? '');
  }
}

/** Encodes trailers as a header block. */
export function encodeTrailers(encoder: HpackEncoder, trailers: RawHeaders): void {
  encoder.begin();
  encodeFields(encoder, trailers, () => true);
}

/** Fields that cannot be written are left out, and so are those that HTTP/2 does not have (RFC 9113 8.2.2). */
function encodeFields(encoder: HpackEncoder, headers: RawHeaders, keep: (key: string) => boolean): void {
  eachField(headers, (name, value) => {
    const key = name.toLowerCase();
    if (!FORBIDDEN.has(key) && keep(key) && fieldLine(name, value) !== null) encoder.text(key, value);
  });
}

const FORBIDDEN = connectionFields([]);

function cutsFor(status: number, trailers: boolean): Cuts {
  if (status === 204) return trailers ? CUTS_204_TRAILERS : CUTS_204;
  return trailers ? CUTS_TRAILERS : CUTS;
}

const CUTS = cutting(...HOP_BY_HOP, FIELD.trailer);
const CUTS_TRAILERS = cutting(...HOP_BY_HOP);
const CUTS_204 = cutting(...HOP_BY_HOP, FIELD.trailer, FIELD.contentLength);
const CUTS_204_TRAILERS = cutting(...HOP_BY_HOP, FIELD.contentLength);
