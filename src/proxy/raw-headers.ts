import type { RawHeaders } from './exchange.ts';

/** The value of the first field called `name` (lower case), or null. */
export function fieldValue(headers: RawHeaders, name: string): string | null {
  for (const [key, value] of fieldsOf(headers)) if (is(key, name)) return value;
  return null;
}

/** The values of all fields called `name` (lower case), in order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (const [key, value] of fieldsOf(headers)) if (is(key, name)) values.push(value);
  return values;
}

/** The members of a list field (RFC 9110 5.6.1) over all its lines. */
export function membersOf(headers: RawHeaders, name: string): string[] {
  return valuesOf(headers, name)
    .flatMap((value) => value.split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

/** Like {@link membersOf}, in lower case. */
export function tokensOf(headers: RawHeaders, name: string): string[] {
  return membersOf(headers, name).map((member) => member.toLowerCase());
}

/** Name and value of each field. */
export function* fieldsOf(headers: RawHeaders): Generator<readonly [name: string, value: string]> {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    yield [headers[index] ?? '', headers[index + 1] ?? ''];
  }
}

/** Name and value of each field, as a list. */
export function fieldPairs(headers: RawHeaders): [name: string, value: string][] {
  return Array.from(fieldsOf(headers), ([name, value]) => [name, value]);
}

/** Whether a field name is `name` (lower case). */
function is(key: string, name: string): boolean {
  return key.length === name.length && key.toLowerCase() === name;
}
