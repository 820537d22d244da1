import { isIP } from 'node:net';
import type { IssuerConfig } from '../config.ts';
import type { Position, Problems } from '../diagnostics.ts';
import type { GlobalDraft } from '../grammar/drafts.ts';
import { certificateNames, issuersFor } from '../issuer-choice.ts';
import { quote } from '../text/quote.ts';
import { isPublicName } from '../values/public-name.ts';
import { isWildcard } from '../values/route-name.ts';
import type { SettledRoute } from './routes.ts';

/** Reports routes whose certificate cannot be had, or will not do what is meant. */
export function checkCertificates(
  routes: readonly SettledRoute[],
  issuers: readonly IssuerConfig[],
  global: GlobalDraft,
  problems: Problems,
): void {
  const wildcardDomains = (global.wildcardDomains ?? []).map(({ value }) => value);
  const useless = new Set<string>();
  let localCa: Position | null = null;
  for (const route of routes) {
    checkCoverage(route, wildcardDomains, problems);
    checkAddresses(route, problems);
    const names = certificateNames(route.config, wildcardDomains);
    const chosen = issuersFor(issuers, route.config.provider, names);
    if (chosen.every(({ type }) => type === 'internal')) {
      if (route.config.provider !== null || !names.some(isPublicName)) continue;
      if (names.every(isPublicName)) localCa ??= route.draft.at;
      else reportMixed(route, names, problems);
    } else if (!chosen.some(canProveWildcards)) {
      for (const name of names.filter(isWildcard))
        reportWildcard(name, route, chosen, { global, useless, problems });
    }
  }
  if (localCa !== null && issuers.every(({ scope }) => scope === 'private')) {
    const message = 'there is no ACME issuer, so that public names get certificates of the local CA';
    problems.report(
      'no-acme-issuer',
      localCa,
      message,
      'add a section "issuer letsencrypt", or "provider internal" here',
    );
  }
}

function canProveWildcards({ type, challenges }: IssuerConfig): boolean {
  return type === 'internal' || challenges.some((challenge) => challenge.type.startsWith('dns-'));
}

function reportWildcard(
  name: string,
  { draft }: SettledRoute,
  issuers: readonly IssuerConfig[],
  context: { readonly global: GlobalDraft; readonly useless: Set<string>; readonly problems: Problems },
): void {
  const domain = context.global.wildcardDomains?.find(({ value }) => name === `*.${value}`);
  if (domain !== undefined) {
    if (context.useless.has(name)) return;
    context.useless.add(name);
  }
  const at = draft.names.find(({ value }) => value === name)?.at ?? domain?.at ?? draft.at;
  const message = `a certificate for ${quote(name)} needs a dns-01 challenge, which the issuer ${issuers[0]?.name} has not`;
  const hint = 'add a line "challenge dns-01 PROVIDER …" to the issuer, or use names without *';
  context.problems.report('wildcard-needs-dns-01', at, message, hint);
}

function reportMixed({ draft }: SettledRoute, names: readonly string[], problems: Problems): void {
  const lonely = names.find((name) => !isPublicName(name)) ?? '';
  const open = names.find(isPublicName) ?? '';
  const message = `no public CA certifies ${quote(lonely)}, so that ${quote(open)} in the same route gets a certificate of the local CA too`;
  problems.report('mixed-names', draft.at, message, 'make two routes of it');
}

function checkAddresses({ config, draft }: SettledRoute, problems: Problems): void {
  if (config.fallback) return;
  for (const { value: name, at } of draft.names) {
    if (isIP(name) === 0) continue;
    const message = `clients name no IP address in a TLS handshake, so that nobody gets to ${quote(name)}`;
    problems.report('address-without-sni', at, message, 'make this route the fallback');
  }
}

/** Names of a route that its own `subject` leaves out of the certificate. */
function checkCoverage(
  { config, draft }: SettledRoute,
  wildcardDomains: readonly string[],
  problems: Problems,
): void {
  if (draft.subjects.size === 0) return;
  const covered = new Set(certificateNames(config, wildcardDomains));
  for (const { value: name, at } of draft.names) {
    if (covered.has(name) || covered.has(`*.${name.slice(name.indexOf('.') + 1)}`)) continue;
    const message = `the certificate of this route does not cover ${quote(name)}: clients will refuse it`;
    problems.report('subject-misses-name', at, message, `add it to the subjects`);
  }
}
