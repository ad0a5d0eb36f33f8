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
  private readonly high: Int32Array;
  private readonly low: Int32Array;
  private readonly buckets: Int32Array;
  private readonly chained: Int32Array;
  private readonly before: Int32Array;
  private readonly after: Int32Array;
  private quietest = NONE;
  private latest = NONE;
  private used = 0;
  /** The key that was read last. */
  private keyHigh = 0;
  private keyLow = 0;

  constructor(places: number) {
    this.high = new Int32Array(places);
    this.low = new Int32Array(places);
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
    let place = this.buckets[this.bucket(this.keyHigh, this.keyLow)]!;
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
    if (place < this.high.length) this.used += 1;
    else {
      place = this.quietest;
      this.leave(place);
      this.unchain(place);
    }
    this.high[place] = this.keyHigh;
    this.low[place] = this.keyLow;
    const bucket = this.bucket(this.keyHigh, this.keyLow);
    this.chained[place] = this.buckets[bucket]!;
    this.buckets[bucket] = place;
    this.arrive(place);
    return place;
  }

  /** Hexadecimal digits as two numbers of 24 bits; what is none is taken by its low bits. */
  private readKey(bytes: Uint8Array, start: number): void {
    let high = 0;
    let low = 0;
    for (let i = start; i < start + 6; i += 1) high = (high << 4) | digit(bytes[i]!);
    for (let i = start + 6; i < start + ID_BYTES; i += 1) low = (low << 4) | digit(bytes[i]!);
    this.keyHigh = high;
    this.keyLow = low;
  }

  private isKey(place: number): boolean {
    return this.high[place] === this.keyHigh && this.low[place] === this.keyLow;
  }

  private bucket(high: number, low: number): number {
    return (Math.imul(high ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b) >>> 8) & (this.buckets.length - 1);
  }

  private unchain(place: number): void {
    const bucket = this.bucket(this.high[place]!, this.low[place]!);
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

function digit(byte: number): number {
  return byte > 57 ? (byte + 9) & 15 : byte & 15;
}
