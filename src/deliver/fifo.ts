/** A queue whose both ends cost the same, however long it is. */
export interface Fifo<T> {
  readonly size: number;
  push(item: T): void;
  /** Puts an item before all others. */
  unshift(item: T): void;
  shift(): T | undefined;
  peek(): T | undefined;
  [Symbol.iterator](): IterableIterator<T>;
}

export function openFifo<T>(): Fifo<T> {
  return new ArrayFifo<T>();
}

/** A class, since each delivery that waits has one: a closure for each of its functions would be most of its size. */
class ArrayFifo<T> implements Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  unshift(item: T): void {
    if (this.#head === 0) this.#items.unshift(item);
    else this.#items[--this.#head] = item;
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as T;
  }
}
