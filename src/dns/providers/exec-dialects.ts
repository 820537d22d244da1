import { join } from 'node:path';
import type { Environment, OptionValues } from '../options.ts';
import type { ChallengeRecord } from '../provider.ts';
import { followsCnames } from './entry.ts';

export type Action = 'add' | 'remove';

/** One way in which other clients call programs for dns-01. */
export interface Dialect {
  /** Whether the program writes where it is told to, rather than working it out from the domain. */
  readonly followsCnames: boolean;
  /** What to run; null = nothing. `output` is what the program printed when it added the record, or empty. */
  readonly call: (action: Action, record: ChallengeRecord, output: string) => Call | null;
}

export interface Call {
  /** For messages. */
  readonly label: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Environment;
}

export function dialectOf(options: OptionValues, env: Environment): Dialect {
  const follows = followsCnames(options);
  switch (options.text('dialect')) {
    case 'certbot':
      return { followsCnames: false, call: certbotCall(options) };
    case 'acme.sh':
      return { followsCnames: follows, call: acmeShCall(options, env) };
    default: {
      const raw = options.text('mode') === 'RAW';
      return { followsCnames: follows && !raw, call: legoCall(options.text('path'), raw) };
    }
  }
}

/** https://go-acme.github.io/lego/dns/exec/ */
function legoCall(file: string, raw: boolean): Dialect['call'] {
  return (action, { name, value, domain, token, keyAuthorization }) => {
    const verb = action === 'add' ? 'present' : 'cleanup';
    const args = raw ? [verb, '--', domain, token, keyAuthorization] : [verb, `${name}.`, value];
    return { label: file, file, args, env: {} };
  };
}

/** https://eff-certbot.readthedocs.io/en/stable/using.html#hooks */
function certbotCall(options: OptionValues): Dialect['call'] {
  return (action, { domain, value }, output) => {
    const file = options.get(action === 'add' ? 'auth' : 'cleanup');
    if (file === null) return null;
    const env = {
      CERTBOT_DOMAIN: domain,
      CERTBOT_IDENTIFIER: domain,
      CERTBOT_VALIDATION: value,
      CERTBOT_ALL_DOMAINS: domain,
      CERTBOT_ALL_IDENTIFIERS: domain,
      CERTBOT_REMAINING_CHALLENGES: '0',
    };
    const said = { CERTBOT_AUTH_OUTPUT: output.trim().replaceAll('\0', '') };
    return { label: file, file, args: [], env: action === 'add' ? env : { ...env, ...said } };
  };
}

/**
 * Run by acme.sh itself, which executes a first argument that is no option as a command of its own: so its functions,
 * its saved account and the script's place are as when it issues. What changes comes through the environment.
 */
const ACME_SH_STEPS = [
  '_initpath "$RIGIL_DOMAIN"',
  // Scripts may save what they learn of a domain, which acme.sh need not know.
  '[ -d "$DOMAIN_PATH" ] || DOMAIN_CONF=/dev/null',
  '_rigil_api="$(_findHook "$RIGIL_DOMAIN" dnsapi "$RIGIL_API")"',
  '[ -n "$_rigil_api" ] || { echo "acme.sh has no script dnsapi/$RIGIL_API.sh" >&2; return 1; }',
  '. "$_rigil_api" && "$RIGIL_FUNCTION" "$RIGIL_NAME" "$RIGIL_VALUE"',
].join('\n');

/** https://github.com/acmesh-official/acme.sh/wiki/DNS-API-Dev-Guide */
function acmeShCall(options: OptionValues, processEnv: Environment): Dialect['call'] {
  const home = options.get('home') ?? join(processEnv['HOME'] ?? '/root', '.acme.sh');
  return (action, { name, value, domain }) => ({
    label: `acme.sh ${options.text('api')}`,
    file: 'sh',
    args: [join(home, 'acme.sh'), 'eval', ACME_SH_STEPS],
    env: {
      LE_WORKING_DIR: home,
      RIGIL_API: options.text('api'),
      RIGIL_FUNCTION: `${options.text('api')}_${action === 'add' ? 'add' : 'rm'}`,
      RIGIL_DOMAIN: domain,
      RIGIL_NAME: name,
      RIGIL_VALUE: value,
    },
  });
}
