import { readFileSync } from 'node:fs';
import { messageOf, RigilError } from '../../errors.ts';
import { withoutDot } from '../names.ts';
import type { OptionValues } from '../options.ts';
import { TSIG_ALGORITHMS, type TsigKey } from '../tsig.ts';

/**
 * The key that the options name, or null for updates without a signature.
 *
 * @throws RigilError `dns-option-invalid`
 */
export function tsigKeyOf(options: OptionValues): TsigKey | null {
  const file = options.get('key-file');
  if (file !== null && !options.isGiven('key')) return keyIn(file);
  const name = options.get('key');
  const secret = secretOf(options.get('secret') ?? '');
  if (name === null || secret === null) return null;
  return { name: withoutDot(name.toLowerCase()), algorithm: algorithmOf(options.text('algorithm')), secret };
}

/** A key as BIND's tsig-keygen writes it. */
function keyIn(file: string): TsigKey {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new RigilError(
      'dns-option-invalid',
      `rfc2136: the key file ${file} cannot be read: ${messageOf(error)}`,
    );
  }
  const name = /\bkey\s+"?([^"\s{;]+)"?\s*\{/.exec(text)?.[1] ?? '';
  const algorithm = algorithmOf(/\balgorithm\s+"?([^"\s;]+)"?\s*;/.exec(text)?.[1] ?? '');
  const secret = secretOf(/\bsecret\s+"([^"]+)"\s*;/.exec(text)?.[1] ?? '');
  if (secret === null || !isKeyName(name) || TSIG_ALGORITHMS[algorithm] === undefined) {
    throw new RigilError(
      'dns-option-invalid',
      `rfc2136: ${file} holds no key with one of ${Object.keys(TSIG_ALGORITHMS).join(', ')}`,
      {
        hint: 'make one: tsig-keygen -a hmac-sha256 NAME',
      },
    );
  }
  return { name: withoutDot(name.toLowerCase()), algorithm, secret };
}

/** As the table of algorithms has it: servers write `HMAC-SHA256.` too. */
export function algorithmOf(text: string): string {
  return withoutDot(text.toLowerCase());
}

/** The bytes of a secret in base64, or null. */
export function secretOf(text: string): Buffer | null {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length >= 8 ? Buffer.from(text, 'base64') : null;
}

/** Names of keys are DNS names, but not of hosts: underscores are common. */
export function isKeyName(text: string): boolean {
  return /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,7}\.?$/i.test(text);
}
