/** A binary heap: the item with the smallest `rank` comes out first; equal ones in no promised order. */
export interface Heap<T> {
  readonly size: number;
  push(rank: number, item: T): void;
  /** The smallest rank. */
  next(): number | undefined;
  pop(): T | undefined;
}

export function openHeap<T>(): Heap<T> {
  const nodes: { rank: number; item: T }[] = [];
  const rankAt = (i: number) => nodes[i]?.rank ?? Number.POSITIVE_INFINITY;

  function swap(a: number, b: number): void {
    const node = nodes[a]!;
    nodes[a] = nodes[b]!;
    nodes[b] = node;
  }

  function up(start: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (rankAt(parent) <= rankAt(at)) return;
      swap(at, parent);
      at = parent;
    }
  }

  function down(): void {
    let at = 0;
    for (;;) {
      const child = rankAt(2 * at + 1) <= rankAt(2 * at + 2) ? 2 * at + 1 : 2 * at + 2;
      if (rankAt(at) <= rankAt(child)) return;
      swap(at, child);
      at = child;
    }
  }

  return {
    get size() {
      return nodes.length;
    },
    push(rank, item) {
      nodes.push({ rank, item });
      up(nodes.length - 1);
    },
    next: () => nodes[0]?.rank,
    pop() {
      const first = nodes[0];
      const last = nodes.pop();
      if (first === undefined || last === undefined || nodes.length === 0) return first?.item;
      nodes[0] = last;
      down();
      return first.item;
    },
  };
}
