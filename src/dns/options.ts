import { readFileSync } from 'node:fs';
import { messageOf, RigilError } from '../errors.ts';
import { closest } from '../text/closest.ts';

/** One `key=value` that a provider takes after its name in `challenge dns-01 PROVIDER`. */
export interface OptionSpec {
  /** As written in the configuration. A name that ends in `.` stands for all names that begin so. */
  readonly name: string;
  /** One sentence for the manual. */
  readonly documentation: string;
  readonly required?: boolean;
  /** Never shown: not by `config show`, not in errors. */
  readonly secret?: boolean;
  readonly default?: string;
  /** Environment variables that are read, in this order, when the option is absent. Where none is set, `NAME_FILE` names a file
   * to read. */
  readonly env?: readonly string[];
  /** What is wrong with a value, to follow the option's name (`has no unit`), or null. */
  readonly check?: (value: string) => string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Something wrong with the options of a provider. */
export interface OptionProblem {
  readonly code: 'unknown-option' | 'missing-option' | 'invalid-option';
  /** The option at fault, or null when it is their combination. */
  readonly option: string | null;
  readonly message: string;
  readonly hint: string | null;
}

/** The options of one provider, with environment and defaults filled in. Absent and empty are the same. */
export class OptionValues {
  readonly #values: ReadonlyMap<string, string>;
  readonly #given: ReadonlySet<string>;
  /** The values that must not be shown. */
  readonly secrets: readonly string[];

  constructor(values: ReadonlyMap<string, string>, given: ReadonlySet<string>, secrets: readonly string[]) {
    this.#values = values;
    this.#given = given;
    this.secrets = secrets;
  }

  get(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  /** Whether it stands in the configuration, rather than coming from the environment or a default. */
  isGiven(name: string): boolean {
    return this.#given.has(name);
  }

  /** An option that is required or has a default. */
  text(name: string): string {
    const value = this.get(name);
    if (value === null) throw new RigilError('dns-option-invalid', `the option ${name} is missing`);
    return value;
  }

  milliseconds(name: string): number {
    return parseDuration(this.text(name)) ?? 0;
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  /** Those that begin with `prefix`, without it. */
  startingWith(prefix: string): ReadonlyMap<string, string> {
    return new Map(
      [...this.#values].flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
      ),
    );
  }
}

/**
 * Fills in the environment and the defaults.
 *
 * @throws RigilError `dns-option-invalid` when a file that `NAME_FILE` names cannot be read, or what is in it is wrong
 */
export function resolveOptions(
  specs: readonly OptionSpec[],
  given: Readonly<Record<string, string>>,
  env: Environment,
): OptionValues {
  const values = new Map<string, string>();
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === '') continue;
    values.set(name, value);
    if (specFor(specs, name)?.secret === true) secrets.push(value);
  }
  const written = new Set(values.keys());
  for (const spec of specs) {
    if (values.has(spec.name) || spec.name.endsWith('.')) continue;
    const value = fromEnvironment(spec, env) ?? spec.default;
    if (value === undefined) continue;
    values.set(spec.name, value);
    if (spec.secret === true) secrets.push(value);
  }
  return new OptionValues(values, written, secrets);
}

/** Everything that is wrong with the options as given and with what the environment fills in, at once. Reads no file. */
export function optionProblems(
  specs: readonly OptionSpec[],
  given: Readonly<Record<string, string>>,
  env: Environment,
): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  for (const [name, value] of Object.entries(given)) {
    const spec = specFor(specs, name);
    if (spec === null) {
      const near = closest(
        name,
        specs.map((each) => each.name),
      );
      problems.push({
        code: 'unknown-option',
        option: name,
        message: `there is no option ${name}`,
        hint:
          near === null ? `it takes: ${specs.map((each) => each.name).join(', ')}` : `did you mean ${near}?`,
      });
      continue;
    }
    const wrong = value === '' ? null : (spec.check?.(value) ?? null);
    if (wrong !== null) {
      problems.push({
        code: 'invalid-option',
        option: name,
        message: `${name} ${wrong}`,
        hint: spec.documentation,
      });
    }
  }
  for (const spec of specs) {
    if ((given[spec.name] ?? '') !== '') continue;
    const variable = variableFor(spec, env);
    const wrong = variable === null ? null : (spec.check?.(env[variable] ?? '') ?? null);
    if (wrong !== null) {
      const hint = spec.documentation;
      problems.push({ code: 'invalid-option', option: spec.name, message: `${variable} ${wrong}`, hint });
    }
    if (spec.required !== true || isInEnvironment(spec, env)) continue;
    const variables = (spec.env ?? []).join(' or ');
    problems.push({
      code: 'missing-option',
      option: spec.name,
      message: `the option ${spec.name} is missing`,
      hint:
        variables === ''
          ? `add ${spec.name}=…`
          : `add ${spec.name}=…, or set ${variables} in the environment`,
    });
  }
  return problems;
}

function specFor(specs: readonly OptionSpec[], name: string): OptionSpec | null {
  return (
    specs.find((spec) => spec.name === name && !name.endsWith('.')) ??
    specs.find((spec) => spec.name.endsWith('.') && name.startsWith(spec.name) && name !== spec.name) ??
    null
  );
}

/** The environment variable that an absent option is taken from, or null. */
function variableFor(spec: OptionSpec, env: Environment): string | null {
  return (spec.env ?? []).find((name) => (env[name] ?? '') !== '') ?? null;
}

/** The environment variable that names the file that an absent option is taken from, or null. */
function fileVariableFor(spec: OptionSpec, env: Environment): string | null {
  return (spec.env ?? []).map((name) => `${name}_FILE`).find((name) => (env[name] ?? '') !== '') ?? null;
}

function isInEnvironment(spec: OptionSpec, env: Environment): boolean {
  return variableFor(spec, env) !== null || fileVariableFor(spec, env) !== null;
}

function fromEnvironment(spec: OptionSpec, env: Environment): string | undefined {
  const variable = variableFor(spec, env);
  if (variable !== null) return env[variable];
  const fileVariable = fileVariableFor(spec, env);
  if (fileVariable === null) return undefined;
  const file = env[fileVariable] ?? '';
  let value: string;
  try {
    value = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new RigilError(
      'dns-option-invalid',
      `the file that ${fileVariable} names cannot be read: ${messageOf(error)}`,
      {
        hint: `make ${file} readable for the user that runs rigil`,
      },
    );
  }
  const wrong = value === '' ? 'is empty' : (spec.check?.(value) ?? null);
  if (wrong === null) return value;
  throw new RigilError('dns-option-invalid', `what is in the file that ${fileVariable} names ${wrong}`, {
    hint: spec.documentation,
  });
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `2m`, `1h` or `500ms` in milliseconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,6})(ms|s|m|h)$/.exec(text);
  return match === null ? null : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
}

/** Checks that several options share. */
export const isDuration = (value: string): string | null =>
  (parseDuration(value) ?? 0) > 0 ? null : 'is no duration such as 30s or 2m';

export const isHttpUrl = (value: string): string | null =>
  /^https?:\/\/[^\s]+$/i.test(value) && URL.canParse(value) ? null : 'is no http:// or https:// address';

export const isTtl = (value: string): string | null =>
  /^\d{1,6}$/.test(value) && Number(value) >= 1 ? null : 'is no number of seconds';

export const oneOf =
  (...choices: readonly string[]) =>
  (value: string): string | null =>
    choices.includes(value) ? null : `is none of ${choices.join(', ')}`;
