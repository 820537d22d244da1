import { bold, entry, italic, literal, paragraph, plain, section, title } from './roff.ts';

/** What oclif writes into oclif.manifest.json, as far as pages need it. */
export interface Manifest {
  readonly version: string;
  readonly commands: Readonly<Record<string, ManifestCommand>>;
}

interface ManifestCommand {
  readonly id: string;
  readonly summary?: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly examples?: readonly (string | { readonly command: string; readonly description?: string })[];
  readonly args: Readonly<Record<string, ManifestArgument>>;
  readonly flags: Readonly<Record<string, ManifestFlag>>;
  readonly strict?: boolean;
}

interface ManifestArgument {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
}

interface ManifestFlag {
  readonly name: string;
  readonly char?: string;
  readonly type: 'boolean' | 'option';
  readonly summary?: string;
  readonly description?: string;
  readonly helpValue?: string;
  readonly options?: readonly string[];
  readonly default?: unknown;
  readonly env?: string;
  readonly hidden?: boolean;
}

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'done, or nothing to do'],
  ['1', 'the configuration is invalid, or the operation failed as a whole'],
  ['2', 'wrong usage: an unknown flag, a missing argument, an unsupported Node'],
  [
    '3',
    'some certificates failed and all others are fine; for `ocsp inspect`: the staple or the answer is bad',
  ],
  ['70', 'a bug in rigil'],
];

/** man/rigil.1 and one page a command. */
export function commandPages(manifest: Manifest): [path: string, text: string][] {
  const commands = Object.values(manifest.commands)
    .filter((command) => command.hidden !== true)
    .sort((one, other) => one.id.localeCompare(other.id));
  return [
    ['man/rigil.1', mainPage(manifest.version, commands)],
    ...commands.map((command): [string, string] => [
      `man/rigil-${command.id.replaceAll(':', '-')}.1`,
      commandPage(manifest.version, command),
    ]),
  ];
}

function mainPage(version: string, commands: readonly ManifestCommand[]): string {
  return [
    title('rigil', 1, version),
    section('Name', 'rigil \\- TLS\\-terminating reverse proxy and certificate toolkit\n'),
    section('Synopsis', `${bold('rigil')} ${italic('COMMAND')} [${italic('OPTIONS')}]\n`),
    section(
      'Description',
      paragraph(
        'rigil serves HTTPS in front of other servers, obtains and renews its own certificates, and never makes a request wait for one. It reads one short file, see `rigil.conf`(5).',
      ),
    ),
    section(
      'Commands',
      commands.map((command) => entry(bold(`rigil ${spaced(command.id)}`), command.summary ?? '')).join(''),
    ),
    section('Exit status', EXIT_CODES.map(([code, meaning]) => entry(bold(code), meaning)).join('')),
    section(
      'Environment',
      entry(bold('RIGIL_CONFIG'), 'The configuration file, when `-c` is not given.') +
        entry(bold('NO_COLOR'), 'When set, nothing is coloured.') +
        entry(
          bold('STATE_DIRECTORY, XDG_STATE_HOME'),
          'Where the store is kept when the configuration does not say: `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/rigil`, else `~/.local/state/rigil`.',
        ),
    ),
    section(
      'Files',
      entry(italic('./rigil.conf, /etc/rigil/rigil.conf'), 'The configuration, in this order.'),
    ),
    section('See also', seeAlso(['rigil.conf(5)', ...commands.map((command) => `${pageName(command)}(1)`)])),
  ].join('');
}

function commandPage(version: string, command: ManifestCommand): string {
  const flags = Object.values(command.flags).filter((flag) => flag.hidden !== true);
  const args = Object.values(command.args);
  return [
    title(pageName(command), 1, version),
    section('Name', `${plain(pageName(command))} \\- ${plain(lowerFirst(command.summary ?? ''))}\n`),
    section(
      'Synopsis',
      `${bold(`rigil ${spaced(command.id)}`)} ${[...args.map((arg) => argument(arg, command)), flags.length > 0 ? `[${italic('OPTIONS')}]` : ''].join(' ').trim()}\n`,
    ),
    section('Description', paragraph(command.description ?? command.summary ?? '')),
    section(
      'Arguments',
      args.map((arg) => entry(italic(arg.name.toUpperCase()), arg.description ?? '')).join(''),
    ),
    section('Options', flags.map(flagEntry).join('')),
    section('Examples', (command.examples ?? []).map((item) => example(item, command)).join('')),
    section('Exit status', EXIT_CODES.map(([code, meaning]) => entry(bold(code), meaning)).join('')),
    section('See also', seeAlso(['rigil(1)', 'rigil.conf(5)'])),
  ].join('');
}

function flagEntry(flag: ManifestFlag): string {
  const long = `--${flag.name}`;
  const names = flag.char === undefined ? bold(long) : `${bold(`-${flag.char}`)}, ${bold(long)}`;
  const value =
    flag.type === 'boolean' ? '' : ` ${italic(flag.helpValue ?? flag.options?.join('|') ?? 'VALUE')}`;
  const sentences = [
    flag.summary,
    flag.description,
    flag.default === undefined || typeof flag.default === 'object' || flag.type === 'boolean'
      ? undefined
      : `Default: ${String(flag.default)}.`,
    flag.env === undefined ? undefined : `Environment: ${flag.env}.`,
  ];
  return entry(names + value, sentences.filter((part) => part !== undefined).join(' '));
}

function example(
  item: string | { readonly command: string; readonly description?: string },
  { id }: ManifestCommand,
): string {
  const { command, description = '' } = typeof item === 'string' ? { command: item } : item;
  const text = command
    .replaceAll('<%= config.bin %>', 'rigil')
    .replaceAll('<%= command.id %>', spaced(id))
    .replace(/^\$ /, '');
  return paragraph(description || 'For example:') + literal(`$ ${text}`);
}

function argument(arg: ManifestArgument, command: ManifestCommand): string {
  const name = italic(arg.name.toUpperCase()) + (command.strict === false ? '...' : '');
  return arg.required === true ? name : `[${name}]`;
}

function seeAlso(pages: readonly string[]): string {
  return `${pages.map((page) => page.replace(/^(.*)(\(\d\))$/, (_, name: string, number: string) => bold(name) + number)).join(',\n')}\n`;
}

function pageName(command: ManifestCommand): string {
  return `rigil-${command.id.replaceAll(':', '-')}`;
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
}
