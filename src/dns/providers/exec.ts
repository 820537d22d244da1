import { RigilError } from '../../errors.ts';
import { Mutex } from '../mutex.ts';
import { type Environment, isDuration, type OptionValues, oneOf } from '../options.ts';
import type { ChallengeRecord } from '../provider.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import type { RecordWriter } from '../writer.ts';
import { CNAME_OPTION, type ProviderEntry, type ProviderPorts } from './entry.ts';
import { type Action, dialectOf } from './exec-dialects.ts';

/** A program of yours that adds and removes the record: see `dialect`. */
export const exec: ProviderEntry = {
  name: 'exec',
  aliases: [],
  documentation: 'Runs a program: as lego does, a pair of certbot hooks, or a dnsapi script of acme.sh.',
  options: [
    {
      name: 'dialect',
      documentation:
        'How the program is called. lego: PATH present|cleanup NAME. VALUE. certbot: AUTH and CLEANUP with CERTBOT_DOMAIN, CERTBOT_VALIDATION. acme.sh: API_add NAME VALUE and API_rm NAME VALUE, by an installed acme.sh with the account it has saved.',
      default: 'lego',
      check: oneOf('lego', 'certbot', 'acme.sh'),
    },
    { name: 'path', documentation: 'The program, for dialect lego.', env: ['EXEC_PATH'] },
    {
      name: 'mode',
      documentation: 'For dialect lego: RAW calls PATH present|cleanup -- DOMAIN TOKEN KEYAUTH.',
      default: 'default',
      env: ['EXEC_MODE'],
      check: oneOf('default', 'RAW'),
    },
    { name: 'auth', documentation: 'The program that adds the record, for dialect certbot.' },
    { name: 'cleanup', documentation: 'The program that removes it, for dialect certbot.' },
    {
      name: 'api',
      documentation: 'The dnsapi script, for dialect acme.sh: dns_cf, dns_hetzner …',
      check: (value) => (/^dns_[A-Za-z0-9_]+$/.test(value) ? null : 'is no name such as dns_cf'),
    },
    { name: 'home', documentation: 'Where acme.sh is installed. ~/.acme.sh if absent.' },
    {
      name: 'env',
      documentation:
        'Variables of the environment of rigil that the program gets, with commas between; NAME* means all that begin so. Besides these it gets only PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_ALL, TZ and TMPDIR.',
      check: (value) => (/^\w+\*?(,\w+\*?)*$/.test(value) ? null : 'is no list such as PDNS_TOKEN,PDNS_URL'),
    },
    { name: 'env.', documentation: 'A variable for the program: env.PDNS_URL=http://…', secret: true },
    {
      name: 'timeout',
      documentation: 'Longest run of the program.',
      default: '2m',
      check: isDuration,
    },
    CNAME_OPTION,
  ],
  check(options) {
    const needed = { lego: 'path', certbot: 'auth', 'acme.sh': 'api' }[options.text('dialect')] ?? '';
    return options.get(needed) === null ? [`dialect ${options.text('dialect')} needs ${needed}=…`] : [];
  },
  create: createWriter,
};

/** Removing many records takes its time, one program after the other. In milliseconds. */
const CLEANUP_LIMIT_MS = 10 * 60_000;

function createWriter(options: OptionValues, ports: ProviderPorts): RecordWriter {
  const env = environmentFor(options, ports.env);
  const dialect = dialectOf(options, ports.env);
  // Such programs are written for clients that run them one at a time: acme.sh's edit one file.
  const turns = new Mutex();
  /** What programs printed when they were to add a value, for removing it; from their start on. By value. */
  const outputs = new Map<string, string>();

  async function run(action: Action, record: ChallengeRecord, signal: AbortSignal): Promise<string> {
    const call = dialect.call(action, record, outputs.get(record.value) ?? '');
    if (call === null) return '';
    const program = {
      label: `exec: ${call.label}`,
      file: call.file,
      args: call.args,
      env: { ...env, ...call.env },
      timeoutMs: options.milliseconds('timeout'),
    };
    const result = await runProgram(program, ports.clock, signal);
    if (result.status !== 0) throw failed(program.label, action, result);
    return result.stdout;
  }

  return {
    followsCnames: dialect.followsCnames,
    cleanupLimitMs: CLEANUP_LIMIT_MS,
    add: (record, signal) =>
      turns.run('all', signal, async () => {
        outputs.set(record.value, '');
        outputs.set(record.value, await run('add', record, signal));
      }),
    async remove(record, signal) {
      // Given up before its turn came: there is nothing to undo.
      if (!outputs.has(record.value)) return;
      await turns.run('all', signal, () => run('remove', record, signal));
      outputs.delete(record.value);
    },
  };
}

const ALWAYS_PASSED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

function environmentFor(options: OptionValues, env: Environment): Environment {
  const passed = options.get('env')?.split(',') ?? [];
  const names = Object.keys(env).filter((name) =>
    passed.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each)),
  );
  return {
    ...Object.fromEntries([...ALWAYS_PASSED, ...names].map((name) => [name, env[name]])),
    ...Object.fromEntries(options.startingWith('env.')),
  };
}

function failed(label: string, action: Action, { status, signal, lastWords }: ProgramResult): RigilError {
  const how = status === null ? `was ended by ${signal}` : `ended with status ${status}`;
  const what = action === 'add' ? 'adding' : 'removing';
  return new RigilError(
    'dns-provider-failed',
    `${label} ${how} when ${what} the record${lastWords === '' ? ', and said nothing' : `: ${lastWords}`}`,
    { hint: 'the program gets no other variables of the environment than those named by env=NAME,…' },
  );
}
