import { table } from './table.ts';

/** Names and values below each other, indented by two spaces. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string[] {
  return table(rows).map((line) => `  ${line}`);
}

/** A row for each value, the name only before the first. */
export function several(
  name: string,
  values: readonly string[],
  none: string,
): (readonly [name: string, value: string])[] {
  if (values.length === 0) return [[name, none]];
  return values.map((value, index) => [index === 0 ? name : '', value]);
}
