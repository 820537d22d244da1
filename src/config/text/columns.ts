/** Columns, in code points from 1, of places in a line. Ascending questions cost time linear in the line altogether. */
export class Columns {
  readonly #line: string;
  /** Every code point is one UTF-16 unit. */
  readonly #simple: boolean;
  #index = 0;
  #column = 1;

  constructor(line: string) {
    this.#line = line;
    this.#simple = !/[\ud800-\udbff]/.test(line);
  }

  /** The column of the UTF-16 unit at `index`. */
  at(index: number): number {
    if (this.#simple) return index + 1;
    if (index < this.#index) [this.#index, this.#column] = [0, 1];
    while (this.#index < index) {
      this.#index += (this.#line.codePointAt(this.#index) ?? 0) > 0xffff ? 2 : 1;
      this.#column += 1;
    }
    return this.#column;
  }
}
