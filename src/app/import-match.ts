import type { Wanted } from '../certs/certificate.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Ordered } from '../store/import/chain.ts';
import type { Origin } from '../store/import/found.ts';

/** Where a certificate of another program belongs, or why it belongs nowhere. */
export type Match =
  | { readonly kind: 'match'; readonly wanted: Wanted; readonly issuer: string }
  | { readonly kind: 'none'; readonly reason: string };

/** The wanted certificates with just these names, to look up ten thousand of them quickly. */
export class WantedByNames {
  readonly #byNames = new Map<string, Wanted[]>();
  readonly #all: readonly Wanted[];

  constructor(wanted: readonly Wanted[]) {
    this.#all = wanted;
    for (const each of wanted) {
      const known = this.#byNames.get(keyOf(each.names));
      if (known === undefined) this.#byNames.set(keyOf(each.names), [each]);
      else known.push(each);
    }
  }

  with(names: readonly string[]): readonly Wanted[] {
    return this.#byNames.get(keyOf(names)) ?? [];
  }

  /** One that shares a name with `names`. */
  near(names: readonly string[]): Wanted | undefined {
    return this.#all.find((each) => each.names.some((name) => names.includes(name)));
  }
}

function keyOf(names: readonly string[]): string {
  return [...new Set(names)].sort().join(' ');
}

/** Finds the wanted certificate and the issuer for which a found one can serve until it is due. */
export function matchWanted(
  names: readonly string[],
  found: Pick<Ordered, 'selfSigned' | 'leaf'>,
  origin: Origin,
  wanted: WantedByNames,
  issuers: readonly IssuerConfig[],
): Match {
  const matching = wanted.with(names);
  if (matching.length === 0) return { kind: 'none', reason: noneWants(names, wanted) };
  let reason = '';
  for (const each of matching) {
    const choice = issuerFor(
      found,
      origin,
      each.issuers.flatMap((name) => issuers.find((one) => one.name === name) ?? []),
    );
    if ('issuer' in choice) return { kind: 'match', wanted: each, issuer: choice.issuer.name };
    reason = choice.reason;
  }
  return { kind: 'none', reason };
}

function noneWants(names: readonly string[], wanted: WantedByNames): string {
  const near = wanted.near(names);
  if (near === undefined) return 'no route wants it';
  return `its names are ${names.join(', ')}, but the configuration wants ${near.names.join(', ')} together`;
}

function issuerFor(
  { selfSigned, leaf }: Pick<Ordered, 'selfSigned' | 'leaf'>,
  origin: Origin,
  wanted: readonly IssuerConfig[],
): { readonly issuer: IssuerConfig } | { readonly reason: string } {
  const acme = wanted.filter(({ type }) => type === 'acme');
  const choices = wanted.map(({ name }) => name).join(', ');
  if (selfSigned || origin.kind === 'self-signed') {
    const local = wanted.find(({ type }) => type === 'internal');
    return local === undefined
      ? { reason: `it signs itself, and its route wants one from ${choices}` }
      : { issuer: local };
  }
  if (origin.kind === 'acme' && origin.directory !== null) {
    const { directory } = origin;
    const same = acme.find((issuer) => issuer.directory !== null && sameUrl(issuer.directory, directory));
    return same === undefined
      ? { reason: `it came from ${directory}, and its route wants one from ${choices}` }
      : { issuer: same };
  }
  const maker = leaf.issuer ?? '';
  const usable = acme.filter(
    ({ directory }) => isProduction(directory) <= Number(!/\(STAGING\)/.test(maker)),
  );
  if (usable.length < acme.length && usable.length === 0) {
    return { reason: 'it is a test certificate of a staging CA' };
  }
  const issuer = usable.find(({ directory }) => runsUnder(directory, maker)) ?? usable[0];
  if (issuer !== undefined) return { issuer };
  const [first] = wanted;
  return origin.kind === 'unknown' && first !== undefined
    ? { issuer: first }
    : { reason: `it came from an ACME CA, and its route wants one from ${choices}` };
}

/** 1 for the production directory of Let's Encrypt, whose staging certificates nobody trusts. */
function isProduction(directory: string | null): number {
  return Number(directory !== null && new URL(directory).hostname === 'acme-v02.api.letsencrypt.org');
}

/** Domains under which the big CAs run ACME, by the organization in their issuers' names. */
const ORGANIZATIONS: readonly (readonly [organization: string, domain: string])[] = [
  ["Let's Encrypt", 'letsencrypt.org'],
  ['ZeroSSL', 'zerossl.com'],
  ['Google Trust Services', 'pki.goog'],
  ['Buypass', 'buypass.com'],
  ['SSL Corp', 'ssl.com'],
];

function runsUnder(directory: string | null, maker: string): boolean {
  if (directory === null) return false;
  const { hostname } = new URL(directory);
  return ORGANIZATIONS.some(([name, domain]) => maker.includes(name) && hostname.endsWith(domain));
}

function sameUrl(left: string, right: string): boolean {
  const bare = (url: string): string => url.replace(/\/+$/, '').toLowerCase();
  return bare(left) === bare(right);
}
