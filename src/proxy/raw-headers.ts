import type { RawHeaders } from './exchange.ts';

/** None at all: always the same, so that it can be told from any other. */
export const NO_FIELDS: RawHeaders = [];

/** The value of the first field called `name` (lower case), or null. */
export function fieldValue(headers: RawHeaders, name: string): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (is(headers[index], name)) return headers[index + 1] ?? '';
  }
  return null;
}

/** The values of all fields called `name` (lower case), in order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (is(headers[index], name)) values.push(headers[index + 1] ?? '');
  }
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

/** Calls `visit` with name and value of each field. */
export function eachField(headers: RawHeaders, visit: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    visit(headers[index] ?? '', headers[index + 1] ?? '');
  }
}

/** The fields for which `keep` (called with the name in lower case) says so. */
export function filterFields(headers: RawHeaders, keep: (key: string) => boolean): string[] {
  const kept: string[] = [];
  eachField(headers, (name, value) => {
    if (keep(name.toLowerCase())) kept.push(name, value);
  });
  return kept;
}

/** Name and value of each field, as pairs. */
export function fieldPairs(headers: RawHeaders): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  eachField(headers, (name, value) => pairs.push([name, value]));
  return pairs;
}

/** The fields as lines of an HTTP/1 head. */
export function fieldLines(headers: RawHeaders): string {
  let lines = '';
  eachField(headers, (name, value) => {
    lines += `${name}: ${value}\r\n`;
  });
  return lines;
}

/** Whether a field name is `name` (lower case). */
function is(key: string | undefined, name: string): boolean {
  return key?.length === name.length && key.toLowerCase() === name;
}
