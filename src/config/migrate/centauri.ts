import { Fault } from '../fault.ts';
import { writeSettingsWord as word } from '../text/settings-word.ts';
import { parseTcpUrl } from '../values/url.ts';
import { type ByHand, CentauriEnvironment } from './centauri-environment.ts';
import { isPlainTailnet, listenerLines } from './centauri-frontend.ts';
import { issuerLines, preferenceLines } from './centauri-issuer.ts';

/** A configuration made from Centauri's. */
export interface Migration {
  readonly text: string;
  /** What has no counterpart, or needs a person's eye. */
  readonly byHand: readonly ByHand[];
  /** Variables that rigil needs in its environment, since the text refers to them. */
  readonly keep: readonly string[];
  /** Centauri's certificates, to be taken over with `rigil certs import`. */
  readonly certificates: string;
}

export interface CentauriInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The route file, and what it is called; null when routes come over the network. */
  readonly routes: { readonly file: string; readonly text: string } | null;
  /** `env` is from a file for Centauri, so that what is unknown in it is worth a word. */
  readonly isOwnEnv: boolean;
}

/** Variables that mean something to others, or nothing by themselves: no counterpart is missed. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  VALIDATE: 'use: rigil config check (it finds all problems, and bad names too)',
  DEBUG_CPU_PROFILE: 'use: node --cpu-prof, and rigil_worker_event_loop_delay_seconds of /metrics',
  LEGO_CA_SYSTEM_CERT_POOL: 'ca-root adds to the built-in roots',
  LEGO_CA_SERVER_NAME: 'the certificate of the directory has to fit its URL',
};

/** For plain HTTP in a tailnet Centauri had no certificates. */
const NO_CERTIFICATES: readonly string[] = [
  '# Centauri had no certificates in this mode, and ordered none. https has them of the local CA.',
  'issuers internal',
];

/** Variables of Centauri that are looked at only where another one gives them a meaning. */
const DEPENDENT: readonly string[] = [
  'CONFIG',
  'CONFIG_NETWORK_ADDRESS',
  'HTTP_PORT',
  'HTTPS_PORT',
  'CERTIFICATE_PROVIDERS',
  'ACME_DISABLE_PROPAGATION_CHECK',
  'ACME_PROPAGATION_DELAY',
  'REDIS_ADDRESS',
  'REDIS_USERNAME',
  'REDIS_PASSWORD',
  'REDIS_DB',
  'REDIS_KEY_PREFIX',
  'REDIS_TLS',
];

/** Makes a rigil.conf out of Centauri's environment (its variables, by their 2.8 names) and its route file. */
export function migrateCentauri({ env: variables, routes, isOwnEnv }: CentauriInput): Migration {
  const env = new CentauriEnvironment(variables);
  const global = [
    ...listenerLines(env),
    ...adminLines(env),
    ...storeLines(env),
    ...logLines(env),
    ...peerLines(env),
  ];
  const issuer = issuerLines(env);
  const preference = isPlainTailnet(env) ? NO_CERTIFICATES : preferenceLines(env);
  global.push(...preference, ...sourceLines(env));
  for (const [name, what] of Object.entries(ELSEWHERE)) if (env.text(name) !== null) env.note(name, what);
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) if (env.text(name) !== null) env.keep([name]);
  if (isOwnEnv) {
    env.markRead(DEPENDENT);
    for (const name of env.unread)
      env.note(name, 'no variable of Centauri; if it is for its DNS provider, see challenge');
  }
  const text = [
    ...headLines(env, routes),
    'global',
    ...indented(global),
    '',
    ...issuer,
    ...(routes === null ? [] : [`# --- ${routes.file}, as it was ---`, '', bodyOf(routes.text)]),
  ].join('\n');
  return {
    text: `${text.trimEnd()}\n`,
    byHand: env.byHand,
    keep: env.kept,
    certificates: env.text('CERTIFICATE_STORE') ?? 'certs.json',
  };
}

function headLines(env: CentauriEnvironment, routes: CentauriInput['routes']): string[] {
  const origin = routes === null ? "Centauri's environment" : `Centauri's environment and ${routes.file}`;
  return [
    `# Made from ${origin} by: rigil config migrate --from centauri`,
    '# Look through it, then: rigil config check',
    ...(env.kept.length === 0 ? [] : ['#', `# Needs in the environment of rigil: ${env.kept.join(' ')}`]),
    ...(env.byHand.length === 0 ? [] : ['#', '# Check by hand:']),
    ...env.byHand.map(({ variable, what }) => `#   ${variable}: ${oneLine(what)}`),
    '',
  ];
}

function adminLines(env: CentauriEnvironment): string[] {
  const port = env.port('METRICS_PORT', 0);
  if (port === 0)
    return [
      '# Status page, health and metrics for this machine only. Centauri had no metrics turned on.',
      'admin 127.0.0.1:9180',
    ];
  env.note(
    'METRICS_PORT',
    `admin :${port} answers everybody on all interfaces, as before: name who scrapes instead of 0.0.0.0/0 ::/0; besides /metrics there are a status page and /healthz now; metrics are called rigil_…, and the two of Centauri are there under their old names as long as centauri-metrics is on`,
  );
  return [
    '# /metrics, as before on all interfaces; also the status page, /api/status and /healthz.',
    `admin :${port} 0.0.0.0/0 ::/0`,
    '# Until dashboards know the new names.',
    'centauri-metrics on',
  ];
}

function storeLines(env: CentauriEnvironment): string[] {
  const certificates = env.text('CERTIFICATE_STORE') ?? 'certs.json';
  const lines = [
    '# Certificates and accounts: in $STATE_DIRECTORY, else $XDG_STATE_HOME/rigil, else ~/.local/state/rigil.',
    '# store file /var/lib/rigil',
    `# Take over what Centauri has: rigil certs import ${oneLine(certificates)} --from centauri`,
  ];
  const user = env.text('USER_DATA');
  if (user !== null && user !== siblingOf(certificates)) {
    env.note(
      'USER_DATA',
      `the account is looked for in ${siblingOf(certificates)}: copy ${user} there before rigil certs import, or rigil registers a new one`,
    );
  }
  if ((env.text('CERTIFICATE_STORE_TYPE') ?? 'json').toLowerCase() !== 'redis') return lines;
  const address = env.text('REDIS_ADDRESS') ?? 'localhost:6379';
  const name = env.text('REDIS_USERNAME');
  const password = env.text('REDIS_PASSWORD') === null ? '' : `:${env.reference('REDIS_PASSWORD')}`;
  const login = name === null && password === '' ? '' : `${encodeURIComponent(name ?? '')}${password}@`;
  const scheme = env.bool('REDIS_TLS') ? 'rediss' : 'redis';
  env.note(
    'CERTIFICATE_STORE_TYPE',
    'rigil keeps its certificates in Redis under keys of its own: turn the store line on if several machines share them, then take over what Centauri has there with `rigil certs import` and the same URL in quotes, followed by prefix= and REDIS_KEY_PREFIX',
  );
  return [...lines, `# store redis ${scheme}://${login}${address}/${env.text('REDIS_DB') ?? '0'}`];
}

function siblingOf(certificates: string): string {
  return `${certificates.replace(/[^/]*$/, '')}user.pem`;
}

function logLines(env: CentauriEnvironment): string[] {
  const asked = env.text('LOG_LEVEL')?.toLowerCase() ?? 'info';
  const known = ['debug', 'info', 'warn', 'error'].includes(asked);
  if (!known) env.note('LOG_LEVEL', `${JSON.stringify(asked)} is no level; taken as info`);
  const format = env.text('LOG_FORMAT')?.toLowerCase() ?? 'text';
  if (env.text('LOG_FORMAT') !== null && !/^(json|text)$/.test(env.text('LOG_FORMAT') ?? '')) {
    env.note(
      'LOG_FORMAT',
      `Centauri wrote text for ${JSON.stringify(env.text('LOG_FORMAT'))}; taken as ${format === 'json' ? 'json' : 'text'}`,
    );
  }
  return [
    '# On standard error; Centauri wrote to standard output.',
    `log ${known ? asked : 'info'} ${format === 'json' ? 'json' : 'text'}`,
  ];
}

function peerLines(env: CentauriEnvironment): string[] {
  const trusted = env.list('TRUSTED_DOWNSTREAMS', ',');
  const wildcards = env.list('WILDCARD_DOMAINS', ' ').map((name) => name.replace(/^\./, ''));
  return [
    ...(trusted.length === 0 ? [] : [['trusted-proxies', ...trusted.map(word)].join(' ')]),
    ...(wildcards.length === 0 ? [] : [['wildcard-domains', ...wildcards.map(word)].join(' ')]),
  ];
}

function sourceLines(env: CentauriEnvironment): string[] {
  if ((env.text('CONFIG_SOURCE') ?? 'file').toLowerCase() !== 'network') return [];
  const address = env.text('CONFIG_NETWORK_ADDRESS') ?? '';
  const source = `tcp://${address}`;
  if (!(parseTcpUrl(source) instanceof Fault)) return [`config-source ${source}`];
  env.note(
    'CONFIG_NETWORK_ADDRESS',
    `${JSON.stringify(address)} is not HOST:PORT; write the address into config-source`,
  );
  return ['# config-source tcp://HOST:PORT'];
}

/** A route file to be set below other sections: it begins with a route itself, or has none. */
function bodyOf(text: string): string {
  return text.replace(/^\ufeff/, '').replace(/\r\n/g, '\n');
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** For a comment: nothing of it may become a line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
