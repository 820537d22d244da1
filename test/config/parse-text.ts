import type { Config } from '../../src/config/config.ts';
import { type Parsed, type ParseOptions, parseConfig } from '../../src/config/parse.ts';

/** Reads `text` as the daemon would, on a machine where HOME is /home/rigil, from /etc/rigil/rigil.conf. */
export function parse(text: string, options: Partial<ParseOptions> = {}): Parsed {
  return parseConfig(text, {
    file: 'rigil.conf',
    env: { HOME: '/home/rigil' },
    mode: 'daemon',
    baseDir: '/etc/rigil',
    ...options,
  });
}

/** The configuration of a text that has no error. */
export function valid(text: string, options: Partial<ParseOptions> = {}): Config {
  const { config, diagnostics } = parse(text, options);
  if (config === null) throw new Error(`not valid: ${JSON.stringify(diagnostics, null, 2)}`);
  return config;
}

/** `line:column code` of every problem. */
export function problemsOf(text: string, options: Partial<ParseOptions> = {}): string[] {
  return parse(text, options).diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`);
}

/** The codes of all problems. */
export function codesOf(text: string, options: Partial<ParseOptions> = {}): string[] {
  return parse(text, options).diagnostics.map(({ code }) => code);
}

/** A route that has all it needs, with `lines` in it. */
export function routeWith(...lines: string[]): string {
  return ['route a.example.com b.example.com', 'upstream app:8080', ...lines].join('\n');
}
