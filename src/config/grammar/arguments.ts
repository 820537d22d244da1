import { didYouMean } from '../../text/closest.ts';
import { Fault } from '../fault.ts';
import { quote } from '../text/quote.ts';
import type { Word } from '../text/words.ts';
import { type Argument, type ArgumentReader, type ArgumentType, NONE, type Placed } from './argument.ts';

/** Exactly one argument. */
export function one<T>(type: ArgumentType<T>): Argument<T> {
  return {
    synopsis: type.placeholder,
    types: [type],
    read: (input) => {
      const word = input.take();
      if (word !== undefined) return input.valueOf(word, type);
      const message = `${input.directive.text} lacks an argument: ${type.placeholder}`;
      input.report(input.directive, 'missing-argument', message, input.usage);
      return NONE;
    },
  };
}

/** One argument or none. */
export function optional<T>(type: ArgumentType<T>): Argument<T | undefined> {
  return {
    synopsis: `[${type.placeholder}]`,
    types: [type],
    read: (input) => {
      const word = input.take();
      return word === undefined ? undefined : input.valueOf(word, type);
    },
  };
}

/** At least one argument, each with its place. */
export function many<T>(type: ArgumentType<T>): Argument<readonly Placed<T>[]> {
  const first = one(type);
  return {
    synopsis: `${type.placeholder}…`,
    types: [type],
    read: (input) => {
      const values: Placed<T>[] = [];
      let complete = true;
      do {
        const at = input.peek() ?? input.directive;
        const value = first.read(input);
        if (value === NONE) complete = false;
        else values.push({ value, at });
      } while (input.peek() !== undefined);
      return complete ? values : NONE;
    },
  };
}

/** Any number of arguments, none too, each with its place. */
export function any<T>(type: ArgumentType<T>): Argument<readonly Placed<T>[]> {
  const some = many(type);
  return {
    synopsis: `[${type.placeholder}…]`,
    types: [type],
    read: (input) => (input.peek() === undefined ? [] : some.read(input)),
  };
}

/** All the words that are left, as one text with single spaces. */
export function phrase(type: ArgumentType<string>): Argument<string> {
  const words = many(type);
  return {
    synopsis: type.placeholder,
    types: [type],
    read: (input) => {
      const values = words.read(input);
      return values === NONE ? NONE : values.map(({ value }) => value).join(' ');
    },
  };
}

/** Pairs `key=value` with the keys of `types`, in any order, each at most once. */
export function options<T extends Readonly<Record<string, unknown>>>(
  types: {
    readonly [Key in keyof T]: ArgumentType<T[Key]>;
  },
): Argument<Partial<T>> {
  const keys = Object.keys(types);
  return {
    synopsis: keys.map((key) => `[${key}=${types[key]?.placeholder ?? ''}]`).join(' '),
    types: keys.flatMap((key) => types[key] ?? []),
    read: (input) => {
      const values: Partial<T> = {};
      let complete = true;
      for (const option of readOptions(input)) {
        const type = types[option.key];
        if (type === undefined) {
          const hint = () => didYouMean(option.key, keys) ?? `the options are ${keys.join(', ')}`;
          input.report(option.word, 'unknown-option', `there is no option ${quote(option.key)}`, hint);
          complete = false;
          continue;
        }
        const value = input.parse(option.word, option.value, type);
        if (value === NONE) complete = false;
        else values[option.key as keyof T] = value;
      }
      return complete ? values : NONE;
    },
  };
}

/** {@link options}, at least one of them. */
export function someOptions<T extends Readonly<Record<string, unknown>>>(
  types: {
    readonly [Key in keyof T]: ArgumentType<T[Key]>;
  },
): Argument<Partial<T>> {
  const any = options(types);
  return {
    ...any,
    read: (input) => {
      if (input.peek() !== undefined) return any.read(input);
      const message = `${input.directive.text} lacks an option`;
      input.report(input.directive, 'missing-argument', message, input.usage);
      return NONE;
    },
  };
}

/** A pair `key=value` and the word that it is in. */
export interface Option {
  readonly key: string;
  readonly value: string;
  readonly word: Word;
}

/**
 * Takes the rest of the words as pairs `key=value`; what is no pair, or given twice, is reported and left out.
 *
 * @param flags words that stand alone, in lower case; their value is empty
 */
export function readOptions(input: ArgumentReader, flags: readonly string[] = []): readonly Option[] {
  const found = new Map<string, Option>();
  for (let word = input.take(); word !== undefined; word = input.take()) {
    const flag = flags.find((candidate) => candidate === word?.text.toLowerCase());
    const [, key = flag, value = ''] = /^([A-Za-z0-9_.-]+)=(.*)$/s.exec(word.text) ?? [];
    if (key === undefined) {
      if (word.unresolved) continue;
      input.report(word, 'invalid-option', `${quote(word.source)} is not of the form key=value`, input.usage);
    } else if (found.has(key)) input.report(word, 'duplicate-option', `the option ${key} is given twice`);
    else found.set(key, { key, value, word });
  }
  return [...found.values()];
}

/** One of a few words, in any case. */
export function oneOf<const Keyword extends string>(...keywords: readonly Keyword[]): ArgumentType<Keyword> {
  return {
    placeholder: keywords.join('|'),
    description: null,
    parse: (text) => {
      const lower = text.toLowerCase();
      const keyword = keywords.find((candidate) => candidate === lower);
      if (keyword !== undefined) return keyword;
      const hint = didYouMean(text, keywords);
      return new Fault('invalid-keyword', `is none of ${keywords.join(', ')}`, hint);
    },
  };
}
