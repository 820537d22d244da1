import { ACME_DEFAULTS, LETS_ENCRYPT } from '../defaults.ts';
import { Fault } from '../fault.ts';
import { writeSettingsWord as word } from '../text/settings-word.ts';
import { formatDuration } from '../values/duration.ts';
import { parseResolver } from '../values/resolver.ts';
import { parseDirectoryUrl } from '../values/url.ts';
import type { CentauriEnvironment } from './centauri-environment.ts';
import { dnsLines } from './dns-provider.ts';

/** Longest time for one issuance where Centauri had none, in milliseconds. */
const LONG_MS = 86_400_000;

/**
 * `issuers`: whom Centauri would ask. It takes the first of its providers that exists, not the first that succeeds, and
 * ACME exists only with a DNS provider.
 */
export function preferenceLines(env: CentauriEnvironment): string[] {
  const asked = env.list('CERTIFICATE_PROVIDERS', ' ');
  const order = (asked.length === 0 ? ['lego', 'selfsigned'] : asked).map((name) => name.toLowerCase());
  const unknown = order.filter((name) => name !== 'lego' && name !== 'selfsigned');
  if (unknown.length > 0)
    env.note('CERTIFICATE_PROVIDERS', `Centauri has no provider ${unknown.join(' or ')}`);
  const hasAcme = env.text('DNS_PROVIDER') !== null;
  const first = order.find((name) => name === 'selfsigned' || (name === 'lego' && hasAcme)) ?? 'lego';
  const issuer = issuerName(env);
  if (first === 'lego') {
    return [
      `# No fall-back to certificates of the local CA, as in Centauri; for one write: issuers ${issuer} internal`,
      `issuers ${issuer}`,
    ];
  }
  if (hasAcme) {
    return [
      '# CERTIFICATE_PROVIDERS prefers selfsigned: the local CA. Routes with "provider lego" get theirs by ACME.',
      'issuers internal',
    ];
  }
  return [
    '# Without DNS_PROVIDER Centauri made self-signed certificates; here they are of the local CA. For public ones, which',
    `# need no DNS provider here (http-01 and tls-alpn-01, seen from outside on ports 80 and 443): issuers ${issuer}`,
    'issuers internal',
  ];
}

/** The section of the ACME issuer, and an empty line. */
export function issuerLines(env: CentauriEnvironment): string[] {
  const lines = [
    '# Keys were P-384 with Centauri; P-256 costs less for every handshake. To keep P-384: key-type p384',
    ...accountLines(env),
    ...challengeLines(env),
    ...paceLines(env),
  ];
  return [`issuer ${issuerName(env)}`, ...lines.map((line) => `  ${line}`), ''];
}

function issuerName(env: CentauriEnvironment): string {
  const directory = env.text('ACME_DIRECTORY');
  return directory === null || URL.parse(directory)?.hostname.endsWith('.letsencrypt.org') === true
    ? LETS_ENCRYPT
    : 'acme';
}

function accountLines(env: CentauriEnvironment): string[] {
  const directory = env.text('ACME_DIRECTORY');
  const [email, profile] = [env.text('ACME_EMAIL'), env.text('ACME_PROFILE')];
  const [kid, hmac] = [env.text('ACME_EXTERNAL_KID'), env.text('ACME_EXTERNAL_HMAC')];
  const root = env.text('LEGO_CA_CERTIFICATES');
  const goodUrl = directory === null || !(parseDirectoryUrl(directory) instanceof Fault);
  if (!goodUrl) env.note('ACME_DIRECTORY', 'ACME is spoken over https only; write its URL into directory');
  if ((kid === null) !== (hmac === null)) {
    env.note(
      kid === null ? 'ACME_EXTERNAL_HMAC' : 'ACME_EXTERNAL_KID',
      'the other half is not set; Centauri registered without both',
    );
  }
  if (root?.includes(':') === true)
    env.note('LEGO_CA_CERTIFICATES', 'ca-root takes one file: put all roots into one');
  return [
    ...(directory === null || !goodUrl ? [] : [`directory ${word(directory)}`]),
    ...(email === null ? [] : [`email ${word(email)}`]),
    ...(kid === null || hmac === null ? [] : [`eab ${word(kid)} ${env.reference('ACME_EXTERNAL_HMAC')}`]),
    ...(profile === null ? [] : [`profile ${word(profile)}`]),
    ...(env.bool('OCSP_STAPLING') ? ['must-staple'] : []),
    ...(root === null ? [] : [`ca-root ${word(root.split(':')[0] ?? root)}`]),
  ];
}

function challengeLines(env: CentauriEnvironment): string[] {
  const provider = env.text('DNS_PROVIDER');
  const servers = env.list('ACME_RESOLVERS', ',');
  const good = servers.filter((server) => !(parseResolver(server) instanceof Fault));
  if (good.length < servers.length)
    env.note('ACME_RESOLVERS', 'resolvers takes IP addresses only; names are left out');
  const resolvers = good.length === 0 ? [] : [['resolvers', ...good].join(' ')];
  if (provider === null) return resolvers;
  const { lines, read, keep, byHand } = dnsLines(provider, env.all);
  env.markRead(read);
  env.keep(keep);
  if (byHand !== null) env.note('DNS_PROVIDER', byHand);
  const skips = env.bool('ACME_DISABLE_PROPAGATION_CHECK');
  const delay = env.duration('ACME_PROPAGATION_DELAY') ?? 10_000;
  if (skips) return [...lines, ...resolvers, `propagation skip delay=${formatDuration(Math.max(0, delay))}`];
  if (env.text('ACME_PROPAGATION_DELAY') !== null) {
    env.note(
      'ACME_PROPAGATION_DELAY',
      'it counts only with ACME_DISABLE_PROPAGATION_CHECK, in Centauri too; left out',
    );
  }
  return [...lines, ...resolvers];
}

function paceLines(env: CentauriEnvironment): string[] {
  const limit = env.text('ACME_OVERALL_REQUEST_LIMIT');
  const goodLimit = limit !== null && /^[1-9]\d{0,3}$/.test(limit);
  if (limit !== null && !goodLimit)
    env.note('ACME_OVERALL_REQUEST_LIMIT', `${JSON.stringify(limit)} cannot be a request-rate; left at 18/s`);
  const interval = env.duration('ACME_OBTAIN_INTERVAL') ?? 0;
  const timeout = env.duration('ACME_OVERALL_TIMEOUT') ?? ACME_DEFAULTS.timeoutMs;
  if (timeout <= 0) env.note('ACME_OVERALL_TIMEOUT', 'Centauri waits for ever; here at most a day');
  const bounded = timeout <= 0 ? LONG_MS : Math.max(1000, timeout);
  return [
    ...(goodLimit && limit !== '18' ? [`request-rate ${limit}/s`] : []),
    ...(interval > 0 ? [`obtain-interval ${formatDuration(interval)}`] : []),
    ...(bounded === ACME_DEFAULTS.timeoutMs ? [] : [`timeout ${formatDuration(bounded)}`]),
  ];
}
