import type { Problems } from '../diagnostics.ts';
import type { Columns } from './columns.ts';
import { quote } from './quote.ts';
import { isSpace } from './white-space.ts';
import type { WordReader } from './words.ts';

/** The environment, as `process.env` gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a missing value is an error (the daemon needs it) or a warning (a check that has no secrets). */
export type Mode = 'daemon' | 'check';

/** How a missing value in the lines of `directive` weighs; see `ParseOptions.needed`. */
export function modeOf(directive: string, mode: Mode, needed: readonly string[]): Mode {
  return needed.includes(directive) ? 'daemon' : mode;
}

/** What is needed to replace variables and to say where one could not be. */
export interface VariableSource {
  readonly env: Environment;
  readonly mode: Mode;
  readonly problems: Problems;
}

/**
 * Reads words of `global` and `issuer` sections in line `number`: `"…"` keeps white space and `#` (with `\"`, `\\` and
 * `\$` inside), `${NAME}` and `${NAME:-default}` are replaced from the environment and never split or replaced again.
 */
export function settingsWordReader(source: VariableSource, number: number): WordReader {
  return (line, start, columns) => {
    let end = start;
    while (end < line.length && !isSpace(line.charCodeAt(end))) {
      if (line[end] === '"' || isVariable(line, end))
        return new RichWord(line, columns, source, number).read(start);
      end += 1;
    }
    return { text: line.slice(start, end), unresolved: false, end };
  };
}

/** `text` as a word that is read as `text` again. */
export function writeSettingsWord(text: string): string {
  const plain = text !== '' && !text.startsWith('#') && !text.includes('"') && !text.includes(`\${`);
  if (plain && ![...text].some((char) => isSpace(char.charCodeAt(0)))) return text;
  return `"${text.replace(/["\\$]/g, '\\$&')}"`;
}

/** A word with quotes or variables in it. */
class RichWord {
  readonly #line: string;
  readonly #columns: Columns;
  readonly #source: VariableSource;
  readonly #number: number;

  constructor(line: string, columns: Columns, source: VariableSource, number: number) {
    this.#line = line;
    this.#columns = columns;
    this.#source = source;
    this.#number = number;
  }

  read(start: number): ReturnType<WordReader> {
    const line = this.#line;
    const parts: string[] = [];
    let unresolved = false;
    let quoteStart = -1;
    let index = start;
    while (index < line.length) {
      const char = line[index] ?? '';
      if (char === '"') {
        quoteStart = quoteStart < 0 ? index : -1;
        index += 1;
      } else if (quoteStart >= 0 && char === '\\' && /^["\\$]$/.test(line[index + 1] ?? '')) {
        parts.push(line[index + 1] ?? '');
        index += 2;
      } else if (isVariable(line, index)) {
        const end = line.indexOf('}', index) + 1;
        if (end === 0) return this.#unterminated(start, index, 'a variable has no closing brace');
        const value = this.#valueOf(line.slice(index, end), index);
        unresolved ||= value === null;
        parts.push(value ?? '');
        index = end;
      } else if (quoteStart < 0 && isSpace(line.charCodeAt(index))) break;
      else {
        parts.push(char);
        index += 1;
      }
    }
    if (quoteStart >= 0) return this.#unterminated(start, quoteStart, 'a quoted text has no closing quote');
    return { text: unresolved ? line.slice(start, index) : parts.join(''), unresolved, end: index };
  }

  #unterminated(start: number, at: number, message: string): ReturnType<WordReader> {
    this.#report('unterminated', at, message, 'close it in the same line');
    return { text: this.#line.slice(start), unresolved: true, end: this.#line.length };
  }

  /** The value of `${…}`, or null when it has none. */
  #valueOf(variable: string, at: number): string | null {
    const [, name, fallback] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\}$/s.exec(variable) ?? [];
    if (name === undefined) {
      this.#report(
        'invalid-variable',
        at,
        `${quote(variable)} is no variable`,
        `write \${NAME} or \${NAME:-default}`,
      );
      return null;
    }
    const set = Object.hasOwn(this.#source.env, name) ? this.#source.env[name] : undefined;
    const value = fallback !== undefined && set === '' ? fallback : (set ?? fallback);
    if (value === undefined) {
      this.#report(
        'variable-unset',
        at,
        `the variable ${name} is not set`,
        `set it, or write \${${name}:-default}`,
      );
      return null;
    }
    if (/(?!\t)[\p{Cc}\u2028\u2029]/u.test(value)) {
      const message = `the value of the variable ${name} has a line end or another control character in it`;
      this.#report('invalid-variable', at, message, 'a line end at its end often comes from reading a file');
      return null;
    }
    return value;
  }

  #report(
    code: 'unterminated' | 'invalid-variable' | 'variable-unset',
    at: number,
    message: string,
    hint: string,
  ) {
    const position = { line: this.#number, column: this.#columns.at(at) };
    const weak = code === 'variable-unset' && this.#source.mode === 'check';
    this.#source.problems.report(code, position, message, hint, weak ? 'warning' : 'error');
  }
}

function isVariable(line: string, index: number): boolean {
  return line[index] === '$' && line[index + 1] === '{';
}
