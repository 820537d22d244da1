import type { Position, Problems } from './diagnostics.ts';
import { Fault } from './fault.ts';
import { ArgumentReader, type Placed } from './grammar/argument.ts';
import { issuerName } from './grammar/argument-types.ts';
import type { Directive, SectionName } from './grammar/directive.ts';
import { byName, directives, sections, sectionsWith } from './grammar/directives.ts';
import type { GlobalDraft, IssuerDraft, RouteDraft } from './grammar/drafts.ts';
import { Columns } from './text/columns.ts';
import type { Damage } from './text/decode.ts';
import { type Line, linesOf } from './text/lines.ts';
import { quote } from './text/quote.ts';
import { type Environment, type Mode, settingsWordReader } from './text/settings-word.ts';
import { didYouMean } from './text/suggest.ts';
import { readPlainWord, type Word, wordAt, wordsFrom } from './text/words.ts';
import { parseRouteName } from './values/route-name.ts';

/** Longest line in bytes. */
const LONGEST_LINE = 65_536;
const MOST_ROUTES = 100_000;

/** What all the lines of a text say, before anything is compared or filled in. */
export interface Document {
  readonly global: GlobalDraft;
  /** Where each directive of the global sections first stands. */
  readonly globalSeen: ReadonlyMap<string, Position>;
  readonly issuers: readonly IssuerDraft[];
  readonly routes: readonly RouteDraft[];
}

export interface ReadOptions {
  readonly env: Environment;
  readonly mode: Mode;
  /** Relative paths begin here. Absolute. */
  readonly baseDir: string;
  /** Damaged places of the text, by line. */
  readonly damage: ReadonlyMap<number, Damage>;
  /** Only `route` sections are allowed. */
  readonly routesOnly: boolean;
}

/** Reads a text line by line, each into the section that was opened last. */
export function readDocument(text: string, options: ReadOptions, problems: Problems): Document {
  const reader = new DocumentReader(options, problems);
  for (const line of linesOf(text)) if (!reader.read(line)) break;
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
  #readLine: LineReader = (line) => this.#rejectOutside(line);

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
      opens || this.#section === 'route' ? readPlainWord : settingsWordReader(this.#source(), line.number);
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
      globalSeen: this.#globalSeen,
      issuers: [...this.#issuers.values()],
      routes: this.#routes,
    };
  }

  #source() {
    return { env: this.#options.env, mode: this.#options.mode, problems: this.#problems };
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
        if (usable) this.#rejectMore(line.words[1], 'global');
        this.#readLine = this.#lineReader(name, this.#global, this.#globalSeen);
        break;
      case 'issuer': {
        const draft = this.#openIssuer(line, usable);
        this.#readLine = this.#lineReader(name, draft, draft.seen);
        break;
      }
      case 'route': {
        const draft = this.#openRoute(line, usable);
        this.#routes.push(draft);
        this.#readLine = this.#lineReader(name, draft, new Map());
        break;
      }
      default:
        name satisfies never;
    }
  }

  #openIssuer(line: SplitLine, usable: boolean): IssuerDraft {
    const [keyword, word, extra] = line.words;
    const draft = (name: string): IssuerDraft => ({
      name,
      at: word ?? keyword,
      challenges: [],
      seen: new Map(),
    });
    if (word === undefined) {
      if (usable) {
        this.#problems.report(
          'missing-argument',
          keyword,
          'issuer lacks a name',
          'write it like: issuer letsencrypt',
        );
      }
      return draft('');
    }
    if (usable) this.#rejectMore(extra, 'issuer NAME');
    const name = issuerName.parse(word.text, this.#options);
    if (name instanceof Fault) {
      this.#problems.report(name.code, word, `${quote(word.text)} ${name.message}`, name.hint);
      return draft('');
    }
    const earlier = this.#issuers.get(name);
    const issuer = draft(name);
    if (earlier === undefined) this.#issuers.set(name, issuer);
    else {
      const message = `there is an issuer ${name} in line ${earlier.at.line} already`;
      this.#problems.report('duplicate-issuer', word, message, 'put all its directives into one section');
    }
    return issuer;
  }

  #openRoute(line: SplitLine, usable: boolean): RouteDraft {
    const [keyword, ...words] = line.words;
    if (words.length === 0 && usable) {
      this.#problems.report('no-names', keyword, 'the route has no name', 'write it like: route example.com');
    }
    const names: Placed<string>[] = [];
    const unmatchable: string[] = [];
    for (const word of usable ? words : []) {
      const name = parseRouteName(word.text);
      if (!(name instanceof Fault)) {
        names.push({ value: name, at: word });
        continue;
      }
      this.#problems.report(name.code, word, `${quote(word.text)} ${name.message}`, name.hint);
      if (name.code !== 'name-never-matches') continue;
      const undotted = parseRouteName(word.text.slice(0, -1));
      if (!(undotted instanceof Fault)) unmatchable.push(undotted);
    }
    return {
      at: keyword,
      names,
      unmatchable,
      written: words.length,
      hasUpstream: false,
      upstreams: [],
      onError: [],
      headerRules: [],
      subjects: new Set(),
    };
  }

  #rejectMore(extra: Word | undefined, form: string): void {
    if (extra === undefined) return;
    const message = `${quote(extra.source)} is more than belongs here`;
    this.#problems.report(
      'extra-argument',
      extra,
      message,
      `the line that opens the section is just: ${form}`,
    );
  }

  /** What takes the lines of a section that is gathered in `draft`. */
  #lineReader<Draft>(section: SectionName, draft: Draft, seen: Map<string, Position>): LineReader {
    // The table of a section and its draft belong together, which the compiler cannot follow through the name.
    const table = byName[section] as ReadonlyMap<string, Directive<unknown>>;
    return ({ name, words, text }) => {
      const [first] = words;
      const directive = table.get(name);
      if (directive === undefined) {
        this.#rejectUnknown(section, first);
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

  #rejectOutside({ name, words: [first] }: SplitLine): void {
    const [section] = sectionsWith(name);
    if (section === undefined) {
      const keywords = sections.map((each) => each.name);
      const hint = didYouMean(first.text, [...keywords, ...directives.map((each) => each.name)]);
      const message = `${quote(first.source)} is neither a section nor a directive`;
      this.#problems.report(
        'unknown-directive',
        first,
        message,
        hint ?? `sections begin with ${keywords.join(', ')}`,
      );
      return;
    }
    const message = `${name} stands before the first section`;
    this.#problems.report('outside-section', first, message, `put it below a line "${openingOf(section)}"`);
  }

  #rejectUnknown(section: SectionName, first: Word): void {
    const name = first.text.toLowerCase();
    const [home] = sectionsWith(name);
    if (home !== undefined) {
      const message = `${name} belongs to a section "${openingOf(home)}", not to "${openingOf(section)}"`;
      const hint = 'every line belongs to the section that was opened last';
      this.#problems.report('wrong-section', first, message, hint);
      return;
    }
    const here = [...byName[section].keys()];
    const hint =
      didYouMean(first.text, here) ??
      didYouMean(first.text, [
        ...sections.map((each) => each.name),
        ...directives.map((each) => each.name),
      ]) ??
      `a section "${openingOf(section)}" has: ${here.join(', ')}`;
    this.#problems.report('unknown-directive', first, `there is no directive ${quote(first.source)}`, hint);
  }
}

function isSection(name: string): name is SectionName {
  return sections.some((section) => section.name === name);
}

function openingOf(section: SectionName): string {
  return sections.find(({ name }) => name === section)?.synopsis ?? section;
}

function isTooLong(line: Line): boolean {
  if (line.length > LONGEST_LINE) return true;
  return line.length * 3 > LONGEST_LINE && Buffer.byteLength(line.text) > LONGEST_LINE;
}
