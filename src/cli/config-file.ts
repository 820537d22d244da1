import { existsSync } from 'node:fs';
import { RigilError } from '../errors.ts';

/** Where the configuration is looked for when nobody says where it is. */
export const CONFIG_FILES = ['./rigil.conf', '/etc/rigil/rigil.conf'] as const;

/**
 * The file to read: the one that was asked for (`-` is standard input), else the first that exists.
 *
 * @throws RigilError `config-unreadable` when there is none
 */
export function findConfigFile(asked: string | undefined): string {
  if (asked !== undefined) return asked;
  const found = CONFIG_FILES.find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new RigilError(
    'config-unreadable',
    `there is no configuration: neither ${CONFIG_FILES.join(' nor ')} exists`,
    {
      hint: 'name one with -c FILE or RIGIL_CONFIG, or write a rigil.conf; two lines are enough: "route example.com" and "upstream localhost:8080"',
    },
  );
}
