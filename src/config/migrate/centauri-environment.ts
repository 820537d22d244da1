import { parseGoBool, parseGoDuration } from './go-values.ts';

/** What a person has to look at. */
export interface ByHand {
  readonly variable: string;
  readonly what: string;
}

/** Centauri's environment, and what was found to be wrong with it or without a counterpart. */
export class CentauriEnvironment {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #byHand: ByHand[] = [];
  readonly #keep = new Set<string>();
  readonly #read = new Set<string>();
  readonly #broken: ReadonlySet<string>;

  /** A value with a line end in it is left out: in the configuration its second line would be a line of its own. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    const isOneLine = (value: string | undefined) => !/[\r\n]/.test(value ?? '');
    this.#env = Object.fromEntries(Object.entries(env).filter(([, value]) => isOneLine(value)));
    this.#broken = new Set(Object.keys(env).filter((name) => !isOneLine(env[name])));
  }

  get byHand(): readonly ByHand[] {
    return this.#byHand;
  }

  /** Variables that the new configuration refers to. */
  get kept(): readonly string[] {
    return [...this.#keep];
  }

  get all(): Readonly<Record<string, string | undefined>> {
    return this.#env;
  }

  /** Variables that nobody has looked at. */
  get unread(): readonly string[] {
    return Object.keys(this.#env).filter((name) => !this.#read.has(name) && !this.#keep.has(name));
  }

  /** The value, or null when it is not set or empty. */
  text(name: string): string | null {
    if (this.#broken.has(name) && !this.#read.has(name))
      this.note(name, 'its value has a line end in it; left out');
    this.#read.add(name);
    const value = this.#env[name]?.trim() ?? '';
    return value === '' ? null : value;
  }

  /** The words of a list, separated by `separator` or white space. */
  list(name: string, separator: ',' | ' '): readonly string[] {
    return (this.text(name) ?? '').split(separator === ',' ? /[\s,]+/ : /\s+/).filter((word) => word !== '');
  }

  bool(name: string): boolean {
    const value = this.text(name);
    if (value === null) return false;
    const truth = parseGoBool(value);
    if (truth === null)
      this.note(name, `its value ${JSON.stringify(value)} is neither true nor false; taken as false`);
    return truth ?? false;
  }

  /** In milliseconds; null when it is not set. */
  duration(name: string): number | null {
    const value = this.text(name);
    if (value === null) return null;
    const ms = parseGoDuration(value);
    if (ms === null) this.note(name, `its value ${JSON.stringify(value)} is no length of time; left out`);
    return ms;
  }

  port(name: string, standard: number): number {
    const value = this.text(name);
    if (value === null) return standard;
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
    this.note(name, `its value ${JSON.stringify(value)} is no port; taken as ${standard}`);
    return standard;
  }

  /** A reference to the variable, which has to be in the environment of rigil then. */
  reference(name: string): string {
    this.#keep.add(name);
    return `\${${name}}`;
  }

  keep(names: readonly string[]): void {
    for (const name of names) this.#keep.add(name);
  }

  /** Somebody else has looked at these. */
  markRead(names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  note(variable: string, what: string): void {
    this.#byHand.push({ variable, what });
  }
}
