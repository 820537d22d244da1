import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** What each folder may import of the others. Data flows down; what is not listed is forbidden. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  commands: ['cli', 'app', 'errors'],
  cli: ['events', 'errors', 'app'],
  app: [
    'config',
    'routing',
    'snapshot',
    'certs',
    'acme',
    'dns',
    'internal-ca',
    'ocsp',
    'x509',
    'store',
    'tailscale',
    'challenges',
    'health',
    'proxy',
    'admin',
    'events',
    'platform',
    'errors',
  ],
  // What a DNS provider takes after its name is said by the provider alone, what a public CA certifies by x509/names.
  config: ['dns', 'x509', 'text', 'platform', 'errors'],
  routing: ['config', 'snapshot', 'errors'],
  snapshot: ['routing'],
  certs: ['x509', 'ocsp', 'events', 'platform', 'errors'],
  acme: ['certs', 'challenges', 'dns', 'x509', 'events', 'platform', 'errors'],
  challenges: ['snapshot', 'events', 'platform', 'errors', 'x509', 'store'],
  dns: ['text', 'events', 'platform', 'errors'],
  'internal-ca': ['certs', 'ocsp', 'x509', 'store', 'events', 'platform', 'errors'],
  ocsp: ['certs', 'x509', 'events', 'platform', 'errors'],
  x509: ['platform', 'errors'],
  store: ['certs', 'x509', 'events', 'platform', 'errors'],
  tailscale: ['certs', 'x509', 'events', 'platform', 'errors'],
  proxy: ['snapshot', 'routing', 'challenges', 'events', 'platform', 'errors'],
  // A health check reaches an upstream as a worker does.
  health: ['proxy', 'routing', 'events', 'platform', 'errors'],
  admin: ['certs', 'proxy', 'events', 'platform', 'errors'],
  events: ['platform', 'errors'],
  platform: ['errors'],
  text: [],
  errors: [],
};

/** Imports that would break a promise of the program, each with the promise. */
const BANS: readonly { readonly from: RegExp; readonly to: RegExp; readonly why: string }[] = [
  {
    from: /^proxy\//,
    to: /^(acme|store|certs|dns|internal-ca|config|x509)\//,
    why: 'a worker does no certificate work: a handshake or request that could reach it could wait for it',
  },
  {
    from: /^proxy\//,
    to: /^(node:)?(fs|dns|child_process|worker_threads)(\/|$)/,
    why: 'serving waits for its own sockets only, never for a disk or another process',
  },
  {
    from: /^(?!commands\/|cli\/)/,
    to: /^(@oclif\/|oclif|chalk|ora)/,
    why: 'only the commands and the terminal code know a terminal',
  },
  {
    from: /^(routing|snapshot)\//,
    to: /^node:/,
    why: 'the table and the snapshot are pure values, so that nothing read from them can wait',
  },
];

/** Words that belong to one folder only, each with the reason. `allow` lists the places where they may stand. */
const WORDS: readonly { readonly word: RegExp; readonly allow: RegExp; readonly why: string }[] = [
  {
    word: /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/,
    allow: /^platform\//,
    why: 'time and chance come from outside, so that what decides can be tested as a table',
  },
  {
    word: /(?<![.\w])(setTimeout|setInterval|fetch)\(/,
    allow: /^(platform|proxy)\//,
    why: 'waiting goes through the clock; the timeouts of sockets in the data path are the exception',
  },
  {
    word: /\bconsole\./,
    allow: /^$/,
    why: 'results and notes go through the commands, facts through events',
  },
  {
    word: /\bprocess\.exit\(/,
    allow: /^(cli\/|proxy\/worker|app\/(serve|end-process)|platform\/hand-over\/porter)/,
    why: 'the core returns or throws; who started it decides what ends',
  },
];

/** Whatever makes a step end before its work does. */
const WAITING = /\b(async|await)\b|\.then\(|\bnew Promise\b|\bPromise\.|\bsetImmediate\b|timers\/promises/;

/**
 * Where `proxy/` may wait, each with the reason why no handshake and no request waits there: functions of a file, or
 * all of it. Everywhere else, from a ClientHello to its certificate and from a request to its upstream is one step.
 */
const WAITS: readonly {
  readonly file: RegExp;
  readonly functions: readonly string[] | 'all';
  readonly why: string;
}[] = [
  { file: /^proxy\/worker\.ts$/, functions: 'all', why: 'starts, drains and ends; what serves is elsewhere' },
  { file: /^proxy\/listeners\.ts$/, functions: ['open'], why: 'before the first connection' },
  { file: /^proxy\/serving\.ts$/, functions: ['drain'], why: 'when nothing new is taken on' },
  {
    file: /^proxy\/end-of-turn\.ts$/,
    functions: 'all',
    why: 'what was written in one turn of the event loop leaves at its end: there is nothing it could wait for',
  },
  { file: /^proxy\/tls\/front-door\.ts$/, functions: ['settle'], why: 'when nothing new is taken on' },
  {
    file: /^proxy\/access-log\//,
    functions: 'all',
    why: 'takes a line from a request and lets it go: a queue is in between',
  },
];

const files = sourceFiles(SRC);

describe('the arrows between folders', () => {
  for (const file of files) {
    it(file, () => {
      const folder = folderOf(file);
      for (const target of localImports(file)) {
        const to = folderOf(target);
        if (to === folder) continue;
        expect(ARROWS[folder], `${file} is in a folder that the architecture does not know`).toBeDefined();
        expect(ARROWS[folder], `${file} imports ${target}`).toContain(to);
      }
      for (const { from, to, why } of BANS) {
        if (!from.test(file)) continue;
        const broken = [...localImports(file), ...packageImports(file)].filter((target) => to.test(target));
        expect(broken, why).toEqual([]);
      }
    });
  }
});

describe('words that belong elsewhere', () => {
  for (const { word, allow, why } of WORDS) {
    it(String(word), () => {
      const found = files.filter((file) => !allow.test(file) && word.test(codeOf(file)));
      expect(found, why).toEqual([]);
    });
  }
});

describe('serving waits for nothing but its sockets', () => {
  const proxy = files.filter((file) => file.startsWith('proxy/'));

  it.each(proxy)('%s', (file) => {
    const allowed = WAITS.filter((each) => each.file.test(file)).map(({ functions }) => functions);
    if (allowed.includes('all')) return;
    const code = allowed.flat().reduce(withoutFunction, codeOf(file));
    const waits = code.split('\n').filter((line) => WAITING.test(line));
    expect(waits, 'a handshake or request could wait here: see docs/decisions/0004').toEqual([]);
  });

  it.each(WAITS)('$file is still there ($why)', ({ file }) => {
    expect(proxy.filter((each) => file.test(each))).not.toEqual([]);
  });

  it('and this would notice', () => {
    const text =
      'class A {\n  async open() {\n    await this.x;\n  }\n  async judge() {\n    await this.x;\n  }\n}\n';
    expect(WAITING.test(withoutFunction(text, 'open'))).toBe(true);
    expect(WAITING.test(withoutFunction(withoutFunction(text, 'open'), 'judge'))).toBe(false);
  });
});

/** The source without an asynchronous method: from the line that begins it to the brace that closes it, at the same indent. */
function withoutFunction(code: string, name: string): string {
  return code.replace(new RegExp(`^( *)async ${name}\\([\\s\\S]*?^\\1}$`, 'm'), '');
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.split(sep).join('/'))
    .sort();
}

function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : file.replace(/\.ts$/, '');
}

/** The source without comments: what is said about a word is not its use. */
function codeOf(file: string): string {
  return readFileSync(join(SRC, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

function importsOf(file: string): string[] {
  const text = codeOf(file);
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm)].map(
    (match) => match[1] ?? '',
  );
}

function localImports(file: string): string[] {
  return importsOf(file)
    .filter((target) => target.startsWith('.'))
    .map((target) =>
      relative(SRC, resolve(dirname(join(SRC, file)), target))
        .split(sep)
        .join('/'),
    );
}

function packageImports(file: string): string[] {
  return importsOf(file).filter((target) => !target.startsWith('.'));
}
