import { RigilError } from '../errors.ts';
import { closest } from '../text/closest.ts';
import { type Environment, type OptionProblem, optionProblems, resolveOptions } from './options.ts';
import type { DnsProvider } from './provider.ts';
import { acmeDns } from './providers/acme-dns.ts';
import { cloudflare } from './providers/cloudflare.ts';
import type { ProviderEntry, ProviderPorts } from './providers/entry.ts';
import { exec } from './providers/exec.ts';
import { httpreq } from './providers/httpreq.ts';
import { rfc2136 } from './providers/rfc2136.ts';
import { route53 } from './providers/route53.ts';
import { providerOf } from './writer.ts';

/** Every provider that `challenge dns-01 PROVIDER` can name, for the manual, the configuration check and the issuer. */
export const providers: readonly ProviderEntry[] = [acmeDns, cloudflare, exec, httpreq, rfc2136, route53];

/** Something wrong with `challenge dns-01 PROVIDER [key=value…]`. */
export type ProviderProblem =
  | OptionProblem
  | {
      readonly code: 'unknown-provider';
      readonly option: null;
      readonly message: string;
      readonly hint: string;
    };

export function findProvider(name: string): ProviderEntry | null {
  const wanted = name.toLowerCase();
  return providers.find((entry) => entry.name === wanted || entry.aliases.includes(wanted)) ?? null;
}

/**
 * Everything that is wrong with a provider and its options, at once. Reads no file and asks nobody.
 *
 * @param env where the fallbacks of absent options are looked for
 */
export function providerProblems(
  name: string,
  options: Readonly<Record<string, string>>,
  env: Environment,
): readonly ProviderProblem[] {
  const entry = findProvider(name);
  if (entry === null) return [unknownProvider(name)];
  const problems = optionProblems(entry.options, options, env);
  if (problems.length > 0 || entry.check === undefined) return problems;
  // File variants of secrets are not read here: that one is set is enough.
  const present = Object.fromEntries(
    Object.entries(env).map(([variable, value]) => [variable.replace(/_FILE$/, ''), value]),
  );
  return entry.check(resolveOptions(entry.options, options, { ...present, ...env })).map((message) => ({
    code: 'invalid-option',
    option: null,
    message,
    hint: null,
  }));
}

/**
 * Makes a provider ready for use.
 *
 * @throws RigilError `dns-option-invalid` with the first problem
 */
export function createProvider(
  name: string,
  options: Readonly<Record<string, string>>,
  ports: ProviderPorts,
): DnsProvider {
  const entry = findProvider(name);
  const [problem] = providerProblems(name, options, ports.env);
  if (problem !== undefined || entry === null) {
    const { message, hint } = problem ?? unknownProvider(name);
    throw new RigilError(
      'dns-option-invalid',
      entry === null ? message : `dns-01 ${entry.name}: ${message}`,
      {
        hint: hint ?? undefined,
      },
    );
  }
  const values = resolveOptions(entry.options, options, ports.env);
  return providerOf(entry.name, entry.create(values, ports), { ...ports, secrets: values.secrets });
}

function unknownProvider(name: string): ProviderProblem & { readonly hint: string } {
  const near = closest(
    name,
    providers.map((entry) => entry.name),
  );
  const all = providers.map((entry) => entry.name).join(', ');
  return {
    code: 'unknown-provider',
    option: null,
    message: `there is no DNS provider ${name}`,
    hint:
      near === null
        ? `there are ${all}; other DNS hosts are reached with exec dialect=acme.sh api=dns_…, or with httpreq`
        : `did you mean ${near}?`,
  };
}
