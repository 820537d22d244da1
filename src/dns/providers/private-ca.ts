import { readFileSync } from 'node:fs';
import { messageOf, RigilError } from '../../errors.ts';
import type { OptionSpec, OptionValues } from '../options.ts';

/** For servers of one's own, whose certificate no public CA has signed. */
export const CA_OPTION: OptionSpec = {
  name: 'ca',
  documentation: 'PEM file of a root to trust for this server, besides the public ones.',
};

/** @throws RigilError `dns-option-invalid` */
export function readCa(options: OptionValues): { readonly ca?: string } {
  const file = options.get('ca');
  if (file === null) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new RigilError(
      'dns-option-invalid',
      `the file that ca=${file} names cannot be read: ${messageOf(error)}`,
    );
  }
}
