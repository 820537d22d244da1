/** A binary heap: the first of its items, in the order of `compare`, is at hand; putting and taking cost log n. */
export class Heap<Item> {
  readonly #compare: (left: Item, right: Item) => number;
  #items: Item[] = [];

  /** @param compare negative when `left` comes first; must not change for items that are in the heap */
  constructor(compare: (left: Item, right: Item) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  /** All items, in no order. */
  get items(): readonly Item[] {
    return this.#items;
  }

  first(): Item | undefined {
    return this.#items[0];
  }

  put(item: Item): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  /** Takes the first item out. */
  take(): Item | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) {
      this.#items[0] = last;
      this.#sink(0);
    }
    return first;
  }

  /** Drops the items that `keeps` is false for. */
  keep(keeps: (item: Item) => boolean): void {
    this.#items = this.#items.filter(keeps);
    for (let index = (this.#items.length >> 1) - 1; index >= 0; index -= 1) this.#sink(index);
  }

  #rise(from: number): void {
    const items = this.#items;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapUnlessInOrder(items, parent, index)) return;
      index = parent;
    }
  }

  #sink(from: number): void {
    const items = this.#items;
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const child = this.#isBefore(items, left + 1, left) ? left + 1 : left;
      if (child >= items.length || !this.#swapUnlessInOrder(items, index, child)) return;
      index = child;
    }
  }

  #isBefore(items: readonly Item[], one: number, other: number): boolean {
    const [left, right] = [items[one], items[other]];
    return left !== undefined && right !== undefined && this.#compare(left, right) < 0;
  }

  #swapUnlessInOrder(items: Item[], upper: number, lower: number): boolean {
    const [above, below] = [items[upper], items[lower]];
    if (above === undefined || below === undefined || this.#compare(above, below) <= 0) return false;
    items[upper] = below;
    items[lower] = above;
    return true;
  }
}
