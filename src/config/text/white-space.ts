/**
 * White space as Centauri trims it (Unicode's White_Space property), which differs from `String.trim`: U+0085 belongs
 * to it, U+FEFF does not.
 */
export function isSpace(code: number): boolean {
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return true;
  if (code < 0x85) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/** Index of the first character at or after `from` and before `end` that is not white space, or `end`. */
export function skipSpace(text: string, from: number, end: number): number {
  let index = from;
  while (index < end && isSpace(text.charCodeAt(index))) index += 1;
  return index;
}

/** Index after the last character before `end` and not before `from` that is not white space, or `from`. */
export function trimEnd(text: string, from: number, end: number): number {
  let index = end;
  while (index > from && isSpace(text.charCodeAt(index - 1))) index -= 1;
  return index;
}
