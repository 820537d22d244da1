import type {
  ChallengeConfig,
  Config,
  IssuerConfig,
  RouteConfig,
  StoreConfig,
  UpstreamConfig,
} from './config.ts';
import { isSecretOption } from './grammar/dns-providers.ts';
import { withoutRedisPassword } from './values/redis-url.ts';

const MASK = '***';

/** The same configuration with every secret replaced by `***`. */
export function masked(config: Config): Config {
  return {
    ...config,
    global: { ...config.global, store: maskedStore(config.global.store) },
    issuers: config.issuers.map(maskedIssuer),
    routes: config.routes.map(maskedRoute),
  };
}

function maskedStore(store: StoreConfig): StoreConfig {
  if (store.kind === 'file') return store;
  return {
    ...store,
    url: withoutRedisPassword(store.url, MASK),
    sentinelPassword: store.sentinelPassword === null ? null : MASK,
  };
}

/** A URL with its password masked; anything else as it is. */
function withoutPassword(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.password === '') return text;
  url.password = MASK;
  return url.href;
}

function maskedRoute(route: RouteConfig): RouteConfig {
  return { ...route, upstreams: route.upstreams.map(maskedUpstream) };
}

/** Paths are no secret, what is in the files is. */
function maskedUpstream(upstream: UpstreamConfig): UpstreamConfig {
  if (upstream.tls === undefined) return upstream;
  return { ...upstream, tls: { ...upstream.tls, material: null } };
}

function maskedIssuer(issuer: IssuerConfig): IssuerConfig {
  return {
    ...issuer,
    eab: issuer.eab === null ? null : { ...issuer.eab, hmac: MASK },
    challenges: issuer.challenges.map(maskedChallenge),
  };
}

function maskedChallenge(challenge: ChallengeConfig): ChallengeConfig {
  if (challenge.type !== 'dns-01') return challenge;
  const options = Object.entries(challenge.options).map(([key, value]) => [
    key,
    isSecretOption(challenge.provider, key) ? MASK : withoutPassword(value),
  ]);
  return { ...challenge, options: Object.fromEntries(options) };
}
