const FULL = '█';
const EMPTY = '░';

/** A bar of `width` characters, filled to `fraction` (0 to 1; what lies outside is cut off). */
export function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0)) * width);
  return FULL.repeat(filled) + EMPTY.repeat(width - filled);
}
