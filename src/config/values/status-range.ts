import { Fault } from '../fault.ts';

/** Statuses from the first to the last: `200-399`, or `204` alone. */
export function parseStatusRange(text: string): { readonly first: number; readonly last: number } | Fault {
  const [, from = '', to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from !== '' && first >= 200 && first <= last) return { first, last };
  return new Fault('invalid-status', 'is no status and no range of them', 'write it like 200, or 200-399');
}

/** A range as {@link parseStatusRange} reads it. */
export function formatStatusRange({
  first,
  last,
}: {
  readonly first: number;
  readonly last: number;
}): string {
  return first === last ? String(first) : `${first}-${last}`;
}
