import type { ApiPorts } from '../api.ts';
import type { NameServerPorts } from '../name-servers.ts';
import type { OptionSpec, OptionValues } from '../options.ts';
import { oneOf } from '../options.ts';
import type { RecordWriter } from '../writer.ts';

/** What a provider needs of the world. Resolvers and name servers: to follow CNAMEs and see that they are there. */
export interface ProviderPorts extends ApiPorts, NameServerPorts {}

/** One row of the table of providers: all that the manual, the configuration check and the issuer need to know of it. */
export interface ProviderEntry {
  /** In `challenge dns-01 NAME`. */
  readonly name: string;
  /** Other names that are understood. */
  readonly aliases: readonly string[];
  /** One sentence for the manual. */
  readonly documentation: string;
  readonly options: readonly OptionSpec[];
  /** What is wrong with the combination of options that are each right, one sentence each. */
  readonly check?: (options: OptionValues) => readonly string[];
  /** @throws RigilError `dns-option-invalid` for what only shows now, such as an unreadable file */
  readonly create: (options: OptionValues, ports: ProviderPorts) => RecordWriter;
}

/** Options that providers share. */

export const CNAME_OPTION: OptionSpec = {
  name: 'cname',
  documentation:
    'Whether the record goes where a CNAME at _acme-challenge points to (follow), or to that name itself (ignore).',
  default: 'follow',
  check: oneOf('follow', 'ignore'),
};

export const followsCnames = (options: OptionValues): boolean => options.text('cname') === 'follow';
