/**
 * First in, first out, bounded by count and by bytes. A ring that grows to its bound and keeps its memory, so
 * that a burst costs no allocation per item.
 */
export class BoundedQueue<T> {
  private items: (T | undefined)[] = new Array(64);
  private sizes = new Float64Array(64);
  private first = 0;
  length = 0;
  bytes = 0;
  private maxItems: number;
  private maxBytes: number;

  constructor(maxItems: number, maxBytes: number) {
    this.maxItems = maxItems;
    this.maxBytes = maxBytes;
  }

  /** Other bounds from now on; what is in it stays. */
  bound(maxItems: number, maxBytes: number): void {
    this.maxItems = maxItems;
    this.maxBytes = maxBytes;
  }

  /** False if it would pass a bound; an item larger than the bound itself is taken when the queue is empty. */
  push(item: T, size: number): boolean {
    if (this.length >= this.maxItems || (this.length > 0 && this.bytes + size > this.maxBytes)) return false;
    if (this.length === this.items.length) this.grow();
    const at = (this.first + this.length) % this.items.length;
    this.items[at] = item;
    this.sizes[at] = size;
    this.length += 1;
    this.bytes += size;
    return true;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.first];
    this.items[this.first] = undefined;
    this.bytes -= this.sizes[this.first]!;
    this.first = (this.first + 1) % this.items.length;
    this.length -= 1;
    return item;
  }

  private grow(): void {
    const items: (T | undefined)[] = new Array(this.items.length * 2);
    const sizes = new Float64Array(this.items.length * 2);
    for (let i = 0; i < this.length; i += 1) {
      const from = (this.first + i) % this.items.length;
      items[i] = this.items[from];
      sizes[i] = this.sizes[from]!;
    }
    this.items = items;
    this.sizes = sizes;
    this.first = 0;
  }
}
