import { FIELD_CONTENT, TOKEN } from '../octets.ts';

/**
 * A field line, or null when no field can be written so: a name that is no token, a value with a control character or one
 * beyond latin1. What comes from a configuration or another protocol passes through here, so that it cannot make
 * lines of its own.
 */
export function fieldLine(name: string, value: string): string | null {
  if (name === '' || !consistsOf(name, TOKEN) || !consistsOf(value, FIELD_CONTENT)) return null;
  return `${name}: ${value}\r\n`;
}

/** Lines for name, value, name, value …; those that cannot be written are left out. */
export function fieldLines(headers: readonly string[]): string {
  let lines = '';
  for (let index = 0; index + 1 < headers.length; index += 2) {
    lines += fieldLine(headers[index] ?? '', headers[index + 1] ?? '') ?? '';
  }
  return lines;
}

function consistsOf(text: string, allowed: Uint8Array): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (allowed[text.charCodeAt(index)] !== 1) return false;
  }
  return true;
}
