import { didYouMean } from '../../text/closest.ts';
import type { IssuerConfig, RouteConfig } from '../config.ts';
import { INTERNAL, ROUTE_DEFAULTS } from '../defaults.ts';
import type { Position, Problems } from '../diagnostics.ts';
import type { Placed } from '../grammar/argument.ts';
import type { RouteDraft } from '../grammar/drafts.ts';
import { quote } from '../text/quote.ts';
import { isWildcard } from '../values/route-name.ts';

/** A route that is left, and where it was written. */
export interface SettledRoute {
  readonly config: RouteConfig;
  readonly draft: RouteDraft;
}

/** The routes that can be reached, with names and issuers settled. */
export function settleRoutes(
  drafts: readonly RouteDraft[],
  issuers: readonly IssuerConfig[],
  problems: Problems,
): readonly SettledRoute[] {
  checkFallbacks(drafts, problems);
  const owners = ownersOf(drafts, problems);
  const providers = providersOf(issuers);
  return drafts.flatMap((draft) => {
    checkRoute(draft, problems);
    const provider = draft.provider === undefined ? null : issuerOf(draft.provider, providers, problems);
    const known = [...new Set(draft.names.map(({ value }) => value))];
    const written = known.length > 0 ? known : [...new Set(draft.unmatchable)];
    const [primary] = written;
    const names = known.filter((name) => owners.get(name)?.draft === draft);
    if (primary === undefined) return [];
    if (names.length === 0 && draft.fallback === undefined) {
      reportUnreachable(draft, problems);
      return [];
    }
    const subjects = names.length === 0 && draft.subjects.size === 0 ? written : [...draft.subjects];
    const config: RouteConfig = {
      line: draft.at.line,
      names,
      primary,
      upstreams: draft.upstreams,
      timeouts: { ...ROUTE_DEFAULTS.timeouts, ...draft.timeouts },
      balance: draft.balance ?? ROUTE_DEFAULTS.balance,
      healthCheck: draft.healthCheck ?? null,
      onError: draft.onError,
      provider,
      headerRules: draft.headerRules,
      fallback: draft.fallback !== undefined,
      redirectToPrimary: draft.redirectToPrimary !== undefined,
      subjects,
    };
    return [{ config, draft }];
  });
}

interface Owner {
  readonly draft: RouteDraft;
  readonly at: Position;
}

/** Which route has which name: of two with the same name the later one. */
function ownersOf(drafts: readonly RouteDraft[], problems: Problems): ReadonlyMap<string, Owner> {
  const owners = new Map<string, Owner>();
  for (const draft of drafts) {
    for (const { value: name, at } of draft.names) {
      const earlier = owners.get(name);
      if (earlier?.draft === draft) {
        problems.report(
          'duplicate-name',
          at,
          `${quote(name)} is named twice in this route`,
          'leave out one of them',
        );
        continue;
      }
      if (earlier !== undefined) {
        const message = `the route in line ${earlier.at.line} has the name ${quote(name)} too; this later one gets it`;
        problems.report('duplicate-name', at, message, 'leave it out of one of the two routes');
      }
      owners.set(name, { draft, at });
    }
  }
  return owners;
}

function checkFallbacks(drafts: readonly RouteDraft[], problems: Problems): void {
  let first: Position | undefined;
  for (const { fallback } of drafts) {
    if (fallback === undefined) continue;
    if (first === undefined) {
      first = fallback;
      continue;
    }
    const message = `the route in line ${first.line} is the fallback already`;
    problems.report('multiple-fallbacks', fallback, message, 'only one route can answer for all other names');
  }
}

function checkRoute(draft: RouteDraft, problems: Problems): void {
  if (!draft.hasUpstream) {
    const message = 'the route has no upstream';
    problems.report('no-upstream', draft.at, message, 'add a line like: upstream localhost:8080');
  }
  const at = draft.redirectToPrimary;
  if (at === undefined) return;
  const [primary] = draft.names;
  if (draft.written < 2) {
    const message =
      'redirect-to-primary redirects from other names to the first one, and the route has only one';
    problems.report('redirect-needs-names', at, message, 'give the route a second name, or leave this out');
  } else if (primary !== undefined && isWildcard(primary.value)) {
    const message = `redirect-to-primary cannot redirect to ${quote(primary.value)}`;
    problems.report('redirect-to-wildcard', at, message, 'put the name to redirect to first');
  } else if (
    draft.fallback === undefined &&
    draft.names.length === draft.written &&
    draft.names.every(({ value }) => value === primary?.value)
  ) {
    const message = 'redirect-to-primary has no effect: the route has no other name than the first one';
    problems.report('redirect-without-effect', at, message);
  }
}

function reportUnreachable(draft: RouteDraft, problems: Problems): void {
  const why =
    draft.names.length === 0 ? 'none of its names is ever asked for' : 'later routes have all its names';
  const message = `no request can reach this route: ${why}`;
  problems.report('unreachable-route', draft.at, message, 'remove it, or give it a name of its own');
}

/** What `provider` can say, and the issuer that each word means. */
function providersOf(issuers: readonly IssuerConfig[]): ReadonlyMap<string, string> {
  const acme = issuers.find(({ type }) => type === 'acme');
  return new Map([
    ...(acme === undefined ? [] : [['lego', acme.name] as const]),
    ['selfsigned', INTERNAL],
    ...issuers.map(({ name }) => [name, name] as const),
  ]);
}

/** The issuer that `provider` means, or null after saying that there is none. */
function issuerOf(
  provider: Placed<string>,
  providers: ReadonlyMap<string, string>,
  problems: Problems,
): string | null {
  const issuer = providers.get(provider.value.toLowerCase());
  if (issuer !== undefined) return issuer;
  const hint = () =>
    didYouMean(provider.value, providers.keys()) ?? 'name an issuer section, or internal for the local CA';
  problems.report('unknown-issuer', provider.at, `there is no issuer ${quote(provider.value)}`, hint);
  return null;
}
