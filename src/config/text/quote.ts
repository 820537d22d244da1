/** Characters of a quoted text that are shown before it is cut. */
const LONGEST = 80;

/** `text` in double quotes for a message: on one line, harmless to a terminal, and not longer than a line. */
export function quote(text: string): string {
  const start = [...text.slice(0, 2 * LONGEST + 2)];
  const shown = start.length > LONGEST ? `${start.slice(0, LONGEST).join('')}…` : start.join('');
  return `"${visible(shown)}"`;
}

/** `text` with control, format and unassigned characters written as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
