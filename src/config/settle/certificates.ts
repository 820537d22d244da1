import { isIP } from 'node:net';
import { isPublicName, wildcardOf } from '../../x509/names.ts';
import type { GlobalConfig, IssuerConfig } from '../config.ts';
import type { Position, Problems } from '../diagnostics.ts';
import type { GlobalDraft } from '../grammar/drafts.ts';
import { certificateNames, IssuerChoice, isTailnetName } from '../issuer-choice.ts';
import { quote } from '../text/quote.ts';
import { isWildcard } from '../values/route-name.ts';
import type { SettledRoute } from './routes.ts';

/** Reports routes whose certificate cannot be had, or will not do what is meant. */
export function checkCertificates(
  routes: readonly SettledRoute[],
  issuers: readonly IssuerConfig[],
  { wildcardDomains }: GlobalConfig,
  draft: GlobalDraft,
  problems: Problems,
): void {
  const choice = new IssuerChoice(issuers);
  const below = new Set(wildcardDomains);
  const domains = new Map(draft.wildcardDomains?.map(({ value, at }) => [`*.${value}`, at]));
  const provesWildcards = cached(canProveWildcards);
  const isLocal = cached((chosen) => chosen.every(({ type }) => type === 'internal'));
  let localCa: Position | null = null;
  for (const route of routes) {
    const { provider } = route.config;
    const names = certificateNames(route.config, below);
    if (route.draft.subjects.size > 0) checkCoverage(route, names, problems);
    const chosen = choice.for(provider, names);
    checkTailnet(names, route, chosen, issuers, problems);
    if (!provesWildcards(chosen)) reportWildcards(names, route, chosen, domains, problems);
    if (provider !== null || !isLocal(chosen) || !names.some(isPublicName)) continue;
    if (names.every(isPublicName)) localCa ??= route.draft.at;
    else reportMixed(names, route.draft.at, problems);
  }
  if (localCa !== null && !issuers.some(({ scope }) => scope === 'all')) {
    const message = 'there is no ACME issuer, so that public names get certificates of the local CA';
    const hint = 'add a section "issuer letsencrypt", or "provider internal" to the route';
    problems.report('no-acme-issuer', localCa, message, hint);
  }
}

/** The lists of a choice are few and the same again and again, but may be long. */
function cached(judge: (chosen: readonly IssuerConfig[]) => boolean): typeof judge {
  const known = new Map<readonly IssuerConfig[], boolean>();
  return (chosen) => {
    const answer = known.get(chosen) ?? judge(chosen);
    known.set(chosen, answer);
    return answer;
  };
}

function canProveWildcards(chosen: readonly IssuerConfig[]): boolean {
  return chosen.some(
    ({ type, challenges }) =>
      type !== 'acme' || challenges.some((challenge) => challenge.type.startsWith('dns-')),
  );
}

/** @param domains where each wildcard stands that `wildcard-domains` makes; each is reported once */
function reportWildcards(
  names: readonly string[],
  { draft }: SettledRoute,
  [issuer]: readonly IssuerConfig[],
  domains: Map<string, Position>,
  problems: Problems,
): void {
  for (const name of names.filter(isWildcard)) {
    const written = draft.names.find(({ value }) => value === name)?.at;
    const at = written ?? domains.get(name) ?? (draft.subjects.has(name) ? draft.at : undefined);
    if (at === undefined) continue;
    if (written === undefined) domains.delete(name);
    const message = `a certificate for ${quote(name)} needs a dns-01 challenge, and the issuer ${issuer?.name} has none`;
    const hint = 'add a line "challenge dns-01 PROVIDER …" to the issuer, or use names without *';
    problems.report('wildcard-needs-dns-01', at, message, hint);
  }
}

/** Reports names in a tailnet that are to share a certificate, which Tailscale does not make. */
function checkTailnet(
  names: readonly string[],
  { draft, config: { provider } }: SettledRoute,
  [first]: readonly IssuerConfig[],
  issuers: readonly IssuerConfig[],
  problems: Problems,
): void {
  if (names.length < 2) return;
  const meant =
    first?.type === 'tailscale' ||
    (provider === null && issuers.some(({ scope }) => scope === 'tailnet') && names.some(isTailnetName));
  if (!meant) return;
  const message = `Tailscale certifies one name at a time, and the certificate of this route has ${names.length}`;
  const hint = 'make a route for each name, or name the one for the certificate with subject';
  problems.report('tailscale-needs-one-name', draft.at, message, hint);
}

function reportMixed(names: readonly string[], at: Position, problems: Problems): void {
  const hidden = quote(names.find((name) => !isPublicName(name)) ?? '');
  const open = quote(names.find(isPublicName) ?? '');
  const message = `no public CA certifies ${hidden}, so that ${open} in the same route gets a certificate of the local CA too`;
  problems.report('mixed-names', at, message, 'make two routes of it');
}

/** Reports names of a route that the certificate with `names`, which its subjects ask for, is not good for. */
function checkCoverage({ draft }: SettledRoute, names: readonly string[], problems: Problems): void {
  const covered = new Set(names);
  for (const { value: name, at } of draft.names) {
    if (covered.has(name) || (isIP(name) === 0 && covered.has(wildcardOf(name)))) continue;
    const message = `the certificate of this route does not cover ${quote(name)}: clients will refuse it`;
    problems.report('subject-misses-name', at, message, 'add it to the subjects');
  }
}
