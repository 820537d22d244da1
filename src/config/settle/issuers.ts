import { didYouMean } from '../../text/closest.ts';
import type { ChallengeConfig, IssuerConfig } from '../config.ts';
import { ACME_DEFAULTS, INTERNAL, INTERNAL_DEFAULTS, LETS_ENCRYPT, TAILSCALE_DEFAULTS } from '../defaults.ts';
import type { Problems } from '../diagnostics.ts';
import type { Placed } from '../grammar/argument.ts';
import type { GlobalDraft, IssuerDraft } from '../grammar/drafts.ts';
import { suitsType } from '../grammar/issuer.ts';
import { quote } from '../text/quote.ts';
import { formatListenAddress } from '../values/listen-address.ts';

/** The issuers with defaults filled in, in order of preference; those that exist without a section are added. */
export function settleIssuers(
  drafts: readonly IssuerDraft[],
  global: GlobalDraft,
  problems: Problems,
): readonly IssuerConfig[] {
  const plain = global.http === undefined || global.http.length > 0;
  const issuers = drafts.map((draft) => {
    checkDirectives(draft, problems);
    if (!plain) checkChallenges(draft, problems);
    checkResponder(draft, problems);
    return settleIssuer(draft, plain, global);
  });
  // Tailscale is for its own names only.
  if (drafts.every((draft) => typeOf(draft) === 'tailscale')) {
    issuers.push({ name: LETS_ENCRYPT, scope: 'all', ...ACME_DEFAULTS, challenges: challengesOf([], plain) });
  }
  if (!issuers.some(({ name }) => name === INTERNAL)) {
    issuers.push({ name: INTERNAL, scope: 'private', ...INTERNAL_DEFAULTS });
  }
  if (global.issuers !== undefined) return inOrder(issuers, global.issuers, problems);
  return [
    ...issuers.filter(({ scope }) => scope === 'all'),
    ...issuers.filter(({ scope }) => scope !== 'all'),
  ];
}

function settleIssuer(draft: IssuerDraft, plain: boolean, { tailscale }: GlobalDraft): IssuerConfig {
  const { name, at: _at, seen: _seen, challenges, propagation, ocsp, socket, ...rest } = draft;
  const type = typeOf(draft);
  if (type === 'tailscale') {
    const { timeoutMs = TAILSCALE_DEFAULTS.timeoutMs } = rest;
    const at = socket ?? tailscale?.socket ?? TAILSCALE_DEFAULTS.socket;
    return { name, scope: 'tailnet', ...TAILSCALE_DEFAULTS, socket: at, timeoutMs };
  }
  if (type === 'internal') {
    const { keyType = INTERNAL_DEFAULTS.keyType } = rest;
    return { name, scope: 'private', ...INTERNAL_DEFAULTS, keyType, ocsp: ocsp?.value ?? null };
  }
  return {
    name,
    scope: 'all',
    ...ACME_DEFAULTS,
    ...rest,
    type: 'acme',
    challenges: challengesOf(challenges, plain),
    propagation: { ...ACME_DEFAULTS.propagation, ...propagation },
  };
}

function typeOf(draft: IssuerDraft): IssuerConfig['type'] {
  return draft.type ?? (draft.name === INTERNAL ? 'internal' : 'acme');
}

/** The challenges of an ACME issuer. Without plain listeners http-01 is not one of the defaults. */
function challengesOf(written: readonly ChallengeConfig[], plain: boolean): readonly ChallengeConfig[] {
  if (written.length > 0) return written;
  return plain ? ACME_DEFAULTS.challenges : ACME_DEFAULTS.challenges.filter(({ type }) => type !== 'http-01');
}

/** Reports directives that mean nothing for the type of the issuer. */
function checkDirectives(draft: IssuerDraft, problems: Problems): void {
  const typeLine = draft.seen.get('type');
  if (typeLine !== undefined && draft.type === undefined) return;
  const type = typeOf(draft);
  if (draft.name === INTERNAL && type !== 'internal') {
    const message = 'the issuer named internal is always the local CA';
    problems.report('reserved-issuer', typeLine ?? draft.at, message, 'give this issuer another name');
    return;
  }
  for (const [directive, at] of draft.seen) {
    if (suitsType(directive, type)) continue;
    const other = TYPES.find((each) => suitsType(directive, each)) ?? 'acme';
    const hint = `${KINDS[other]} is of "type ${other}"`;
    problems.report(
      'wrong-issuer-type',
      at,
      `${directive} means nothing for an issuer of type ${type}`,
      hint,
    );
  }
}

const TYPES = ['acme', 'internal', 'tailscale'] as const satisfies readonly IssuerConfig['type'][];
const KINDS: Readonly<Record<IssuerConfig['type'], string>> = {
  acme: 'an ACME issuer',
  internal: 'the local CA',
  tailscale: 'the Tailscale daemon',
};

function checkChallenges(draft: IssuerDraft, problems: Problems): void {
  const at = draft.seen.get('challenge');
  if (at === undefined || !draft.challenges.some(({ type }) => type === 'http-01')) return;
  const message = `the issuer ${draft.name} uses http-01, which a plain listener answers, and "http off" leaves none`;
  problems.report('challenge-needs-http', at, message, 'turn http on, or use tls-alpn-01 or dns-01');
}

/** Warns of a responder that listens where no URL leads to. */
function checkResponder({ ocsp }: IssuerDraft, problems: Problems): void {
  if (ocsp === undefined || (ocsp.value.kind === 'tcp' && ocsp.value.port !== 0)) return;
  const message = `certificates cannot name ${formatListenAddress(ocsp.value)} as their responder, so nobody will ask it`;
  problems.report('unnamed-responder', ocsp.at, message, 'listen on HOST:PORT where clients can reach it');
}

/** The issuers that `order` names first; of the others, ACME issuers are only for routes that name them. */
function inOrder(
  issuers: readonly IssuerConfig[],
  order: readonly Placed<string>[],
  problems: Problems,
): readonly IssuerConfig[] {
  const left = new Map(issuers.map((issuer) => [issuer.name, issuer]));
  const preferred: IssuerConfig[] = [];
  for (const { value: name, at } of order) {
    const issuer = left.get(name);
    if (issuer?.scope === 'tailnet') continue;
    if (issuer !== undefined) {
      preferred.push({ ...issuer, scope: 'all' });
      left.delete(name);
    } else if (preferred.some((known) => known.name === name)) {
      problems.report('repeated-argument', at, `${quote(name)} is named twice`);
    } else {
      const hint = () => didYouMean(name, left.keys()) ?? `write a section "issuer ${name}"`;
      problems.report('unknown-issuer', at, `there is no issuer ${quote(name)}`, hint);
    }
  }
  if (preferred.length === 0) return issuers;
  const others = [...left.values()].map(
    (issuer): IssuerConfig => ({
      ...issuer,
      scope: issuer.type === 'acme' ? 'named' : issuer.scope,
    }),
  );
  return [...preferred, ...others];
}
