import { FIELD, kindOf } from '../field-kind.ts';
import { COLON, FIELD_CONTENT, HTAB, SP, TOKEN } from '../octets.ts';

/**
 * The kind of a decoded field (one of FIELD), after it was held against the rules for single fields of RFC 9113 8.2.1:
 * names are tokens in lower case, with a colon first if they are pseudo-fields; values have no control characters and
 * no white space at either end. The RFC forbids NUL, CR and LF only; but what no message of HTTP/1.1 may carry has no
 * way on from here.
 */
export function checkedKind(
  bytes: Uint8Array,
  nameFrom: number,
  nameTo: number,
  valueFrom: number,
  valueTo: number,
): number {
  const pseudo = bytes[nameFrom] === COLON;
  const start = pseudo ? nameFrom + 1 : nameFrom;
  if (start === nameTo) return FIELD.invalidName;
  for (let at = start; at < nameTo; at += 1) {
    if (LOWER_CASE_TOKEN[bytes[at] ?? 0] !== 1) return FIELD.invalidName;
  }
  if (valueTo > valueFrom && (isBlank(bytes[valueFrom]) || isBlank(bytes[valueTo - 1]))) {
    return FIELD.invalidValue;
  }
  for (let at = valueFrom; at < valueTo; at += 1) {
    if (FIELD_CONTENT[bytes[at] ?? 0] !== 1) return FIELD.invalidValue;
  }
  const kind = kindOf(bytes, nameFrom, nameTo);
  return pseudo && (kind === FIELD.other || kind === FIELD.lookalike) ? FIELD.unknownPseudo : kind;
}

const LOWER_CASE_TOKEN = TOKEN.map((token, byte) => (byte >= 0x41 && byte <= 0x5a ? 0 : token));

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}
