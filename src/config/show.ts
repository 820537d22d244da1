import type {
  ChallengeConfig,
  Config,
  GlobalConfig,
  HeaderRule,
  HealthCheck,
  IssuerConfig,
  RedisStoreConfig,
  RouteConfig,
  UpstreamConfig,
} from './config.ts';
import { writeSettingsWord as word } from './text/settings-word.ts';
import { formatDuration } from './values/duration.ts';
import { formatErrorTarget } from './values/error-page.ts';
import { hostAndPort } from './values/ip-address.ts';
import { formatListenAddress } from './values/listen-address.ts';
import { formatRate } from './values/rate.ts';
import { formatSealSource } from './values/seal-source.ts';
import { formatStatusRange } from './values/status-range.ts';
import { formatUpstream } from './values/upstream.ts';

/** A configuration as text in its own language, with every default written out. Read again, it is the same. */
export function showConfig(config: Config): string {
  const owners = new Map(config.routes.flatMap(({ names }, index) => names.map((name) => [name, index])));
  const sections = [
    ['global', ...globalLines(config.global), ...issuersLine(config.issuers)],
    ...config.issuers.map((issuer) => [`issuer ${issuer.name}`, ...issuerLines(issuer)]),
    ...config.routes.map((route, index) => {
      const isLost = (owners.get(route.primary) ?? -1) > index;
      return [`route ${writtenNames(route, isLost)}`, ...routeLines(route)];
    }),
  ];
  return sections
    .map(([opening, ...lines]) => [opening, ...lines.map((line) => `  ${line}`)].join('\n'))
    .join('\n\n');
}

function globalLines(global: GlobalConfig): readonly string[] {
  const {
    http,
    https,
    admin,
    adminPeers,
    store,
    workers,
    maxConnections,
    maxConnectionsPerAddress,
    log,
    accessLog,
    trustedProxies,
    wildcardDomains,
    configSource,
    centauriMetrics,
    tailscale,
  } = global;
  return [
    words('http', http.length === 0 ? ['off'] : http.map(formatListenAddress)),
    words('https', https.map(formatListenAddress)),
    words('admin', admin === null ? ['off'] : [formatListenAddress(admin), ...adminPeers]),
    store.kind === 'file' ? words('store file', [store.dir]) : words('store redis', redisWords(store)),
    `workers ${workers}`,
    `max-connections ${maxConnections}`,
    `max-connections-per-address ${maxConnectionsPerAddress}`,
    words('log', log.format === 'auto' ? [log.level] : [log.level, log.format]),
    accessLog === null
      ? 'access-log off'
      : words('access-log', [
          accessLog.target.kind === 'file' ? accessLog.target.path : 'stdout',
          accessLog.format,
        ]),
    ...list('trusted-proxies', trustedProxies),
    ...list('wildcard-domains', wildcardDomains),
    ...(configSource === null
      ? []
      : [`config-source tcp://${hostAndPort(configSource.host, configSource.port)}`]),
    `centauri-metrics ${centauriMetrics ? 'on' : 'off'}`,
    ...(tailscale === null
      ? ['tailscale off']
      : [words('tailscale', [tailscale.socket]), `tailscale-http ${tailscale.http}`]),
  ];
}

function redisWords({ url, prefix, seal, ca, sentinelPassword }: RedisStoreConfig): readonly string[] {
  return [
    url,
    `prefix=${prefix}`,
    ...(seal === null ? [] : [`seal=${formatSealSource(seal)}`]),
    ...(ca === null ? [] : [`ca=${ca}`]),
    ...(sentinelPassword === null ? [] : [`sentinel-password=${sentinelPassword}`]),
  ];
}

function issuersLine(issuers: readonly IssuerConfig[]): readonly string[] {
  return list(
    'issuers',
    issuers.filter(({ scope }) => scope === 'all').map(({ name }) => name),
  );
}

function issuerLines(issuer: IssuerConfig): readonly string[] {
  const { type, keyType, ocsp, directory, email, eab, profile, preferredChain, mustStaple, challenges } =
    issuer;
  const { caRoot, resolvers, propagation, requestRate, obtainIntervalMs, timeoutMs, socket } = issuer;
  if (type === 'tailscale') {
    return [
      `type ${type}`,
      ...list('socket', socket === null ? [] : [socket]),
      `timeout ${formatDuration(timeoutMs)}`,
    ];
  }
  const common = [`type ${type}`, `key-type ${keyType}`];
  if (type === 'internal')
    return [...common, ...list('ocsp', ocsp === null ? [] : [formatListenAddress(ocsp)])];
  const { mode, delayMs, timeoutMs: propagationMs } = propagation;
  return [
    ...common,
    ...list('directory', directory === null ? [] : [directory]),
    ...list('email', email === null ? [] : [email]),
    ...list('eab', eab === null ? [] : [eab.keyId, eab.hmac]),
    ...list('profile', profile === null ? [] : [profile]),
    ...list('preferred-chain', preferredChain === null ? [] : [preferredChain]),
    ...(mustStaple ? ['must-staple'] : []),
    ...challenges.map(challengeLine),
    ...list('ca-root', caRoot === null ? [] : [caRoot]),
    ...list('resolvers', resolvers),
    `propagation ${mode} delay=${formatDuration(delayMs)} timeout=${formatDuration(propagationMs)}`,
    `request-rate ${formatRate(requestRate)}`,
    `obtain-interval ${formatDuration(obtainIntervalMs)}`,
    `timeout ${formatDuration(timeoutMs)}`,
  ];
}

function challengeLine(challenge: ChallengeConfig): string {
  if (challenge.type !== 'dns-01') return `challenge ${challenge.type}`;
  const options = Object.entries(challenge.options).map(([key, value]) => `${key}=${value}`);
  return words('challenge dns-01', [challenge.provider, ...options]);
}

function routeLines(route: RouteConfig): readonly string[] {
  return [
    ...route.upstreams.map(upstreamLine),
    timeoutLine(route.timeouts),
    `balance ${route.balance}`,
    ...(route.healthCheck === null ? [] : [healthCheckLine(route.healthCheck)]),
    ...route.onError.map((rule) => `on_error ${rule.status} ${formatErrorTarget(rule)}`),
    ...(route.provider === null ? [] : [`provider ${route.provider}`]),
    ...route.headerRules.map(headerLine),
    ...(route.fallback ? ['fallback'] : []),
    ...(route.redirectToPrimary ? ['redirect-to-primary'] : []),
    ...(route.subjects.length === 0 ? [] : [`subject ${route.subjects.join(' ')}`]),
  ];
}

function upstreamLine({ weight, tls, ...address }: UpstreamConfig): string {
  const options = [
    ['weight', weight],
    ['ca', tls?.ca],
    ['servername', tls?.serverName],
    ['cert', tls?.certificate],
    ['key', tls?.key],
  ].flatMap(([key, value]) => (value === undefined || value === null ? [] : [`${key}=${value}`]));
  const flags = tls?.insecure === true ? ['insecure'] : [];
  return ['upstream', formatUpstream(address), ...options, ...flags].join(' ');
}

function timeoutLine({ connectMs, responseMs, idleMs }: RouteConfig['timeouts']): string {
  return `timeout connect=${formatDuration(connectMs)} response=${formatDuration(responseMs)} idle=${formatDuration(idleMs)}`;
}

function healthCheckLine({ path, intervalMs, timeoutMs, status }: HealthCheck): string {
  return `health-check ${path} interval=${formatDuration(intervalMs)} timeout=${formatDuration(timeoutMs)} status=${formatStatusRange(status)}`;
}

function headerLine(rule: HeaderRule): string {
  const { action, name } = rule;
  return rule.action === 'delete' ? `header ${action} ${name}` : `header ${action} ${name} ${rule.value}`;
}

/** The names of a route so that it gets the same ones again. `isLost`: a later route has its primary name. */
function writtenNames({ names, primary, redirectToPrimary }: RouteConfig, isLost: boolean): string {
  // A primary name that is neither its own nor lost is one that no request can carry.
  const written = names[0] === primary ? names : [isLost ? primary : `${primary}.`, ...names];
  return (redirectToPrimary && written.length < 2 ? [...written, ...written] : written).join(' ');
}

function list(directive: string, values: readonly string[]): readonly string[] {
  return values.length === 0 ? [] : [words(directive, values)];
}

function words(directive: string, values: readonly string[]): string {
  return [directive, ...values.map(word)].join(' ');
}
