/**
 * Text from outside (a certificate, a server) as one line that is safe on a terminal: control characters, and those
 * that turn or hide text, become `\u{…}`; what is longer than 500 characters is cut.
 */
export function printable(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return short.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const LONGEST = 500;
