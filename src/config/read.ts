import type { Position, Problems } from './diagnostics.ts';
import { ArgumentReader } from './grammar/argument.ts';
import type { Directive, SectionName } from './grammar/directive.ts';
import { byName, sections } from './grammar/directives.ts';
import type { GlobalDraft, IssuerDraft, RouteDraft } from './grammar/drafts.ts';
import { reportOutside, reportUnknown } from './misplaced.ts';
import { openIssuer, openRoute, reportMore } from './open-section.ts';
import type { ReadFile } from './read-file.ts';
import { Columns } from './text/columns.ts';
import type { Damage } from './text/decode.ts';
import { type Line, linesOf } from './text/lines.ts';
import { type Environment, type Mode, modeOf, settingsWordReader } from './text/settings-word.ts';
import { readPlainWord, type Word, wordAt, wordsFrom } from './text/words.ts';

/** Longest line in bytes. */
const LONGEST_LINE = 65_536;
const MOST_ROUTES = 100_000;

/** What all the lines of a text say, before anything is compared or filled in. */
export interface Document {
  readonly global: GlobalDraft;
  readonly issuers: readonly IssuerDraft[];
  readonly routes: readonly RouteDraft[];
}

export interface ReadOptions {
  readonly env: Environment;
  readonly mode: Mode;
  /** See `ParseOptions`. */
  readonly needed: readonly string[];
  /** Relative paths begin here. Absolute. */
  readonly baseDir: string;
  readonly readFile: ReadFile | null;
  /** Damaged places of the text, by line. */
  readonly damage: ReadonlyMap<number, Damage>;
  /** Only `route` sections are allowed. */
  readonly routesOnly: boolean;
}

/** Reads a text line by line, each into the section that was opened last. */
export function readDocument(text: string, options: ReadOptions, problems: Problems): Document {
  const reader = new DocumentReader(options, problems);
  for (const line of linesOf(text)) if (!reader.read(line) || problems.isHopeless) break;
  return reader.end();
}

/** Takes one line of a section. */
type LineReader = (line: SplitLine) => void;

/** A line split into words, the directive first. */
interface SplitLine {
  /** The directive in lower case. */
  readonly name: string;
  readonly words: readonly [Word, ...Word[]];
  readonly text: string;
}

class DocumentReader {
  readonly #options: ReadOptions;
  readonly #problems: Problems;
  readonly #damage: Map<number, Damage>;
  readonly #global: GlobalDraft = {};
  readonly #globalSeen = new Map<string, Position>();
  readonly #issuers = new Map<string, IssuerDraft>();
  readonly #routes: RouteDraft[] = [];
  #section: SectionName | null = null;
  #readLine: LineReader = (line) => reportOutside(line.words[0], this.#problems);

  constructor(options: ReadOptions, problems: Problems) {
    this.#options = options;
    this.#problems = problems;
    this.#damage = new Map(options.damage);
  }

  /** Returns false when the rest of the text shall not be read. */
  read(line: Line): boolean {
    const columns = new Columns(line.text);
    const first = wordAt(line.text, line.start, { number: line.number, columns, read: readPlainWord });
    const name = first.text.toLowerCase();
    const opens = isSection(name);
    if (name === 'route' && this.#routes.length >= MOST_ROUTES) {
      const message = `there are more than ${MOST_ROUTES} routes; what follows is not read`;
      this.#problems.report('too-many-routes', first, message, 'spread them over several machines');
      return false;
    }
    const long = isTooLong(line);
    if (long) this.#problems.report('line-too-long', first, `the line is longer than ${LONGEST_LINE} bytes`);
    const read =
      opens || this.#section === 'route'
        ? readPlainWord
        : settingsWordReader(this.#source(name), line.number);
    const words = long ? [] : wordsFrom(line.text, first.end, { number: line.number, columns, read });
    const contentEnd = columns.at(words.at(-1)?.end ?? first.end);
    const usable = this.#isUndamaged(line.number, contentEnd) && !long;
    const split: SplitLine = { name, words: [first, ...words], text: line.text };
    if (opens) this.#open(name, split, usable);
    else if (usable) this.#readLine(split);
    return true;
  }

  end(): Document {
    // Lines that were never read are comments: what is damaged there does no harm.
    for (const [line, damage] of this.#damage) this.#reportDamage(line, damage, 'warning');
    return {
      global: this.#global,
      issuers: [...this.#issuers.values()],
      routes: this.#routes,
    };
  }

  #source(directive: string) {
    const { env, mode, needed } = this.#options;
    return { env, mode: modeOf(directive, mode, needed), problems: this.#problems };
  }

  #isUndamaged(line: number, contentEnd: number): boolean {
    const damage = this.#damage.get(line);
    if (damage === undefined) return true;
    this.#damage.delete(line);
    const inComment = damage.column >= contentEnd;
    this.#reportDamage(line, damage, inComment ? 'warning' : 'error');
    return inComment;
  }

  #reportDamage(line: number, { code, column }: Damage, severity: 'error' | 'warning'): void {
    const [message, hint] =
      code === 'nul-character'
        ? ['there is a NUL character', 'save the file as UTF-8 text, not as UTF-16']
        : ['the text is not UTF-8', 'save the file as UTF-8'];
    this.#problems.report(code, { line, column }, message, hint, severity);
  }

  #open(name: SectionName, line: SplitLine, usable: boolean): void {
    this.#section = name;
    if (this.#options.routesOnly && name !== 'route') {
      const message = `a ${name} section cannot come over the network`;
      this.#problems.report(
        'section-not-allowed',
        line.words[0],
        message,
        'put it into the configuration file',
      );
      this.#readLine = () => {};
      return;
    }
    switch (name) {
      case 'global':
        if (usable) reportMore(line.words[1], 'global', this.#problems);
        this.#readLine = this.#lineReader(name, this.#global, this.#globalSeen);
        break;
      case 'issuer': {
        const draft = openIssuer(line.words, usable, this.#issuers, this.#problems);
        this.#readLine = this.#lineReader(name, draft, draft.seen);
        break;
      }
      case 'route': {
        const draft = openRoute(line.words, usable, this.#problems);
        this.#routes.push(draft);
        this.#readLine = this.#lineReader(name, draft, new Map());
        break;
      }
      default:
        name satisfies never;
    }
  }

  /** What takes the lines of a section that is gathered in `draft`. */
  #lineReader<Draft>(section: SectionName, draft: Draft, seen: Map<string, Position>): LineReader {
    // The table of a section and its draft belong together, which the compiler cannot follow through the name.
    const table = byName[section] as ReadonlyMap<string, Directive<unknown>>;
    return ({ name, words, text }) => {
      const [first] = words;
      const directive = table.get(name);
      if (directive === undefined) {
        reportUnknown(first, section, this.#problems);
        return;
      }
      const earlier = directive.repeatable ? undefined : seen.get(name);
      if (earlier !== undefined) {
        const message = `${name} is set in line ${earlier.line} already`;
        this.#problems.report('duplicate-directive', first, message, 'keep one of the two');
        return;
      }
      const { baseDir } = this.#options;
      const input = new ArgumentReader(words, this.#problems, this.#options, directive);
      const rest = text.slice(words[1]?.start ?? first.end, words.at(-1)?.end);
      const counts = directive.read({ input, raw: text.slice(first.end + 1), text: rest, baseDir }, draft);
      if (counts && !seen.has(name)) seen.set(name, first);
    };
  }
}

function isSection(name: string): name is SectionName {
  return sections.some((section) => section.name === name);
}

function isTooLong(line: Line): boolean {
  if (line.length > LONGEST_LINE) return true;
  return line.length * 3 > LONGEST_LINE && Buffer.byteLength(line.text) > LONGEST_LINE;
}
