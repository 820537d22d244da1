import { didYouMean } from '../../text/closest.ts';
import type { Position } from '../diagnostics.ts';
import { quote } from '../text/quote.ts';
import { type Argument, type ArgumentReader, type ArgumentType, NONE } from './argument.ts';

export type SectionName = 'global' | 'issuer' | 'route';

/** What the documentation says of a directive; also what tells it from a misspelling. */
export interface DirectiveDocumentation {
  /** In lower case; read in any case. */
  readonly name: string;
  /** Without the directive itself, one for each form: `ADDR…`, `off`. */
  readonly synopses: readonly string[];
  /** Kinds of arguments that need explaining, in the order of their first use. */
  readonly argumentTypes: readonly Pick<ArgumentType<unknown>, 'placeholder' | 'description'>[];
  /** May stand more than once in its section. */
  readonly repeatable: boolean;
  /** One line, beginning with a capital letter, without a final full stop. */
  readonly summary: string;
  /** Sentences that say what the summary does not; paragraphs are separated by an empty line. May be empty. */
  readonly documentation: string;
  /** What holds when the directive is absent; null where that needs no word. */
  readonly default: string | null;
  /** Lines that are valid in the section. */
  readonly examples: readonly string[];
}

/** A line as a directive reads it. */
export interface DirectiveLine {
  readonly input: ArgumentReader;
  /** Everything behind the directive and the one character after it, comment included. */
  readonly raw: string;
  /** The same without a comment and without white space at its ends. */
  readonly text: string;
  /** Relative paths begin here. */
  readonly baseDir: string;
}

/** A directive of a section whose lines are gathered in a `Draft`. */
export interface Directive<Draft> extends DirectiveDocumentation {
  /** Takes the line into `draft`. Returns false when the line shall not count as the one time it may stand there. */
  readonly read: (line: DirectiveLine, draft: Draft) => boolean;
}

/** One way to write the arguments of a directive. */
interface Form<Draft> {
  readonly arguments: readonly Argument<unknown>[];
  /** The word that the arguments begin with and by which this form is known, or null. */
  readonly keyword: string | null;
  readonly read: (input: ArgumentReader, draft: Draft) => void;
}

type ValuesOf<Arguments extends readonly Argument<unknown>[]> = {
  readonly [Index in keyof Arguments]: Arguments[Index] extends Argument<infer Value> ? Value : never;
};

/** Puts the values of a form into the draft; `at` is where the first of them stands. */
type Apply<Draft, Arguments extends readonly Argument<unknown>[]> = (
  draft: Draft,
  values: ValuesOf<Arguments>,
  at: Position,
) => void;

/** What makes a directive of a section; see {@link grammarFor}. */
export interface Grammar<Draft> {
  /** A form known by its arguments. `apply` is called only when all of them could be read. */
  form<const Arguments extends readonly Argument<unknown>[]>(
    args: Arguments,
    apply: Apply<Draft, Arguments>,
  ): Form<Draft>;
  /** A form that begins with `keyword`. */
  keyword<const Arguments extends readonly Argument<unknown>[]>(
    keyword: string,
    args: Arguments,
    apply: Apply<Draft, Arguments>,
  ): Form<Draft>;
  directive(
    documentation: Omit<DirectiveDocumentation, 'synopses' | 'argumentTypes' | 'repeatable'> & {
      readonly repeatable?: boolean;
      readonly forms: readonly Form<Draft>[];
    },
  ): Directive<Draft>;
}

/** The helpers that define the directives of a section, typed by what its lines are gathered in. */
export function grammarFor<Draft>(): Grammar<Draft> {
  const grammar: Grammar<Draft> = {
    form: (args, apply) => ({ arguments: args, keyword: null, read: reader(args, apply) }),
    keyword: (keyword, args, apply) => ({ arguments: args, keyword, read: reader(args, apply) }),
    directive: ({ forms, repeatable = false, ...documentation }) => ({
      ...documentation,
      repeatable,
      synopses: forms.map(synopsisOf),
      argumentTypes: typesOf(forms),
      read: ({ input }, draft) => {
        readForms(forms, input, draft);
        return true;
      },
    }),
  };
  return grammar;
}

/** The words of a form, with {@link NONE} where something could not be read. */
function reader<Draft, const Arguments extends readonly Argument<unknown>[]>(
  args: Arguments,
  apply: Apply<Draft, Arguments>,
): Form<Draft>['read'] {
  return (input, draft) => {
    const at = input.peek() ?? input.directive;
    const values = args.map((argument) => argument.read(input));
    if (values.includes(NONE)) return;
    // Each value was made by the argument in its place, which the compiler cannot follow through `map`.
    apply(draft, values as unknown as ValuesOf<Arguments>, at);
  };
}

function readForms<Draft>(forms: readonly Form<Draft>[], input: ArgumentReader, draft: Draft): void {
  const first = input.peek();
  const keyword = first === undefined || first.unresolved ? null : first.text.toLowerCase();
  const named = keyword === null ? undefined : forms.find((form) => form.keyword === keyword);
  const form = named ?? forms.find((candidate) => candidate.keyword === null);
  if (form === undefined) {
    reportUnknownForm(forms, input);
    return;
  }
  if (named !== undefined) input.take();
  form.read(input, draft);
  const extra = input.peek();
  if (extra === undefined) return;
  const message = `${quote(extra.source)} is more than ${input.directive.text} takes`;
  input.report(extra, 'extra-argument', message, input.usage);
}

function reportUnknownForm(forms: readonly Form<never>[], input: ArgumentReader): void {
  const first = input.peek();
  if (first === undefined) {
    input.report(
      input.directive,
      'missing-argument',
      `${input.directive.text} lacks an argument`,
      input.usage,
    );
    return;
  }
  if (first.unresolved) return;
  const keywords = forms.flatMap((form) => form.keyword ?? []);
  const message = `${quote(first.source)} is none of ${keywords.join(', ')}`;
  input.report(first, 'invalid-keyword', message, didYouMean(first.text, keywords) ?? input.usage);
}

/** The kinds of arguments that have a description, each once. */
function typesOf(forms: readonly Form<never>[]): DirectiveDocumentation['argumentTypes'] {
  const types = forms.flatMap((form) => form.arguments.flatMap((argument) => argument.types));
  const described = types.filter(({ description }) => description !== null);
  return [...new Map(described.map((type) => [type.placeholder, type])).values()];
}

function synopsisOf(form: Form<never>): string {
  const synopses = form.arguments.map((argument) => argument.synopsis);
  return [...(form.keyword === null ? [] : [form.keyword]), ...synopses].join(' ');
}
