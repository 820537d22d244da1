import type { HpackDecoder, HpackFault } from '../../../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HeaderList } from '../../../../../src/proxy/codec/http2/hpack/header-list.ts';

/** `a: b`, as the examples of RFC 7541 write fields. */
export function decoded(decoder: HpackDecoder, block: Buffer): string[] | HpackFault {
  const surrounded = Buffer.concat([Buffer.of(0x82, 0x82), block, Buffer.of(0x82)]);
  const fault = decoder.decode(surrounded, 2, 2 + block.length, list);
  return fault ?? linesOf(list);
}

/** One for all, since they are used up at once. */
const list = new HeaderList({ bytes: 1_000_000, fields: 1_000 });

export function linesOf(list: HeaderList): string[] {
  return Array.from(
    { length: list.fields.count },
    (_, index) => `${list.fields.name(index)}: ${list.fields.value(index)}`,
  );
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}
