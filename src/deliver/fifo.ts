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
  let items: (T | undefined)[] = [];
  let head = 0;
  return {
    get size() {
      return items.length - head;
    },
    push: (item) => void items.push(item),
    unshift(item) {
      if (head === 0) items.unshift(item);
      else items[--head] = item;
    },
    shift() {
      if (head === items.length) return undefined;
      const item = items[head];
      items[head++] = undefined;
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    peek: () => items[head],
    *[Symbol.iterator]() {
      for (let i = head; i < items.length; i++) yield items[i] as T;
    },
  };
}
