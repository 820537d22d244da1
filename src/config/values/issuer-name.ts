import { Fault } from '../fault.ts';

/** The name of an issuer, in lower case. It names a folder of the store, hence the few characters. */
export function parseIssuerName(text: string): string | Fault {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text.toLowerCase();
  const hint = 'begin with a letter or digit, go on with letters, digits, ".", "_" and "-", 64 at most';
  return new Fault('invalid-text', 'is not a name for an issuer', hint);
}
