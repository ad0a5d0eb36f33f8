import { viewOf } from '../lib/bytes.ts';

/**
 * Which of a fixed number of places a container has: found by the first 12 characters of its id without an
 * allocation. When all are taken, the container that was quiet for longest gives its place away.
 *
 *   buckets   hash -> first place, then along `chained`
 *   order     a doubly linked list of places from the quietest to the latest
 */
export const ID_BYTES = 12;
const NONE = -1;

export class ContainerSlots {
  /** Three numbers for each place: its key. */
  private readonly keys: Int32Array;
  private readonly buckets: Int32Array;
  private readonly chained: Int32Array;
  private readonly before: Int32Array;
  private readonly after: Int32Array;
  private quietest = NONE;
  private latest = NONE;
  private used = 0;
  /** The key that was read last. */
  private first = 0;
  private second = 0;
  private third = 0;

  constructor(places: number) {
    this.keys = new Int32Array(places * 3);
    this.chained = new Int32Array(places);
    this.before = new Int32Array(places);
    this.after = new Int32Array(places);
    let size = 16;
    while (size < places * 2) size *= 2;
    this.buckets = new Int32Array(size).fill(NONE);
  }

  /** The place of the container whose id begins at `start`; -1 if it has none. Needs 12 bytes. */
  find(bytes: Uint8Array, start: number): number {
    this.readKey(bytes, start);
    if (this.latest !== NONE && this.isKey(this.latest)) return this.latest;
    let place = this.buckets[this.bucket()]!;
    while (place !== NONE && !this.isKey(place)) place = this.chained[place]!;
    return place;
  }

  /** Makes a place the latest. */
  use(place: number): void {
    if (place === this.latest) return;
    this.leave(place);
    this.arrive(place);
  }

  /** Gives a place to the container that `find` was last asked for and did not find. */
  take(): number {
    let place = this.used;
    if (place < this.after.length) this.used += 1;
    else {
      place = this.quietest;
      this.leave(place);
      this.unchain(place);
    }
    this.keys[place * 3] = this.first;
    this.keys[place * 3 + 1] = this.second;
    this.keys[place * 3 + 2] = this.third;
    const bucket = this.bucket();
    this.chained[place] = this.buckets[bucket]!;
    this.buckets[bucket] = place;
    this.arrive(place);
    return place;
  }

  private readKey(bytes: Uint8Array, start: number): void {
    const view = viewOf(bytes);
    this.first = view.getInt32(start, true);
    this.second = view.getInt32(start + 4, true);
    this.third = view.getInt32(start + 8, true);
  }

  private isKey(place: number): boolean {
    const { keys } = this;
    const at = place * 3;
    return keys[at] === this.first && keys[at + 1] === this.second && keys[at + 2] === this.third;
  }

  /** Where the key that was read last belongs. */
  private bucket(): number {
    return bucketOf(this.first, this.second, this.third) & (this.buckets.length - 1);
  }

  private unchain(place: number): void {
    const { keys } = this;
    const key = place * 3;
    const bucket = bucketOf(keys[key]!, keys[key + 1]!, keys[key + 2]!) & (this.buckets.length - 1);
    let at = this.buckets[bucket]!;
    if (at === place) {
      this.buckets[bucket] = this.chained[place]!;
      return;
    }
    while (this.chained[at] !== place) at = this.chained[at]!;
    this.chained[at] = this.chained[place]!;
  }

  private leave(place: number): void {
    const before = this.before[place]!;
    const after = this.after[place]!;
    if (before === NONE) this.quietest = after;
    else this.after[before] = after;
    if (after === NONE) this.latest = before;
    else this.before[after] = before;
  }

  private arrive(place: number): void {
    this.before[place] = this.latest;
    this.after[place] = NONE;
    if (this.latest === NONE) this.quietest = place;
    else this.after[this.latest] = place;
    this.latest = place;
  }
}

function bucketOf(first: number, second: number, third: number): number {
  const mixed = Math.imul(first ^ Math.imul(second ^ Math.imul(third, 0xc2b2ae35), 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
