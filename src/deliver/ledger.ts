import { z } from 'zod';
import type { Delivery, NoticeDelivery, RelayDelivery, ShedReason } from '../model/delivery.ts';
import { type Severity, severities } from '../model/finding.ts';
import type { SpoolEntry } from './store/contract.ts';

/** What is carried to a sink. */
export type Cargo = Delivery | NoticeDelivery | RelayDelivery;

/** A delivery that waits. */
export interface Waiting {
  readonly entry: SpoolEntry;
  /** The payload, as long as memory holds it; else it is read from the store when its turn comes. */
  cargo: Cargo | undefined;
  /** The finding of `cargo` as JSON in UTF-8, shared by the sinks it goes to; leaves memory with it. */
  json: Buffer | undefined;
  /** The store has it. While false, `cargo` is the only copy. */
  stored: boolean;
  /** An attempt is under way. */
  flying: boolean;
  /** Left the ledger: whoever still points at it passes it over. */
  gone: boolean;
  /** The one behind it under the same order key. */
  next: Waiting | undefined;
}

/** How much may wait, all sinks together. */
export interface SpoolBounds {
  max_deliveries: number;
  max_bytes: number;
  /** Bound on payloads of which memory has the only copy. */
  max_memory_bytes: number;
  /** Payloads beyond this are dropped from memory once the store has them. */
  cache_bytes: number;
}

/** `spool` in the configuration; sizes in bytes, over all sinks. */
export const spoolSchema = z.strictObject({
  max_deliveries: z
    .int()
    .min(100)
    .max(1_000_000)
    .default(100_000)
    .describe(
      'deliveries that may wait; beyond, the oldest of the lowest severity are dropped, each counted',
    ),
  max_bytes: z
    .int()
    .min(2 ** 20)
    .default(256 * 2 ** 20)
    .describe('bytes that may wait'),
  max_memory_bytes: z
    .int()
    .min(2 ** 16)
    .default(16 * 2 ** 20)
    .describe('bytes that may wait in memory while the disk takes no writes'),
  cache_bytes: z
    .int()
    .min(0)
    .default(8 * 2 ** 20)
    .describe('payloads kept in memory beside the disk'),
});

export const defaultBounds: SpoolBounds = spoolSchema.parse({});

/** The account of everything that waits, whoever it is for. */
export interface Ledger {
  readonly count: number;
  readonly bytes: number;
  has(id: string): boolean;
  get(id: string): Waiting | undefined;
  add(waiting: Waiting): void;
  remove(waiting: Waiting): void;
  /** The store has it now: its payload may leave memory. */
  markStored(waiting: Waiting): void;
  /** What must go so that the bounds hold: lowest severity first, oldest first within it. */
  victims(bounds: SpoolBounds): { waiting: Waiting; reason: ShedReason }[];
  /** Oldest first within a severity; of one severity, or all. */
  all(): IterableIterator<Waiting>;
  oldest(): number | undefined;
  /** In the order they were added. */
  unstored(): Waiting[];
}

/** `cacheBytes`: see SpoolBounds, asked anew each time. */
export function openLedger(cacheBytes: () => number): Ledger {
  const byId = new Map<string, Waiting>();
  // A Set keeps the order of insertion: its first member is the oldest.
  const bySeverity = new Map<Severity, Set<Waiting>>(severities.map((severity) => [severity, new Set()]));
  let bytes = 0;
  let unstoredBytes = 0;
  let cachedBytes = 0;

  function remove(waiting: Waiting): void {
    if (waiting.gone) return;
    waiting.gone = true;
    byId.delete(waiting.entry.id);
    bySeverity.get(waiting.entry.severity)?.delete(waiting);
    bytes -= waiting.entry.bytes;
    if (waiting.cargo) cachedBytes -= waiting.entry.bytes;
    if (!waiting.stored) unstoredBytes -= waiting.entry.bytes;
  }

  function* inOrderOfSacrifice(): IterableIterator<Waiting> {
    for (const severity of severities) yield* bySeverity.get(severity) ?? [];
  }

  return {
    get count() {
      return byId.size;
    },
    get bytes() {
      return bytes;
    },
    has: (id) => byId.has(id),
    get: (id) => byId.get(id),
    add(waiting) {
      byId.set(waiting.entry.id, waiting);
      bySeverity.get(waiting.entry.severity)?.add(waiting);
      bytes += waiting.entry.bytes;
      if (waiting.cargo) cachedBytes += waiting.entry.bytes;
      if (!waiting.stored) unstoredBytes += waiting.entry.bytes;
    },
    remove,
    markStored(waiting) {
      if (waiting.gone || waiting.stored) return;
      waiting.stored = true;
      unstoredBytes -= waiting.entry.bytes;
      if (cachedBytes <= cacheBytes() || waiting.flying) return;
      waiting.cargo = undefined;
      waiting.json = undefined;
      cachedBytes -= waiting.entry.bytes;
    },
    victims(bounds) {
      const found: { waiting: Waiting; reason: ShedReason }[] = [];
      let overCount = byId.size - bounds.max_deliveries;
      let overBytes = bytes - bounds.max_bytes;
      let overMemory = unstoredBytes - bounds.max_memory_bytes;
      if (overCount <= 0 && overBytes <= 0 && overMemory <= 0) return found;
      for (const waiting of inOrderOfSacrifice()) {
        const full = overCount > 0 || overBytes > 0;
        if (!full && overMemory <= 0) break;
        if (waiting.flying || (!full && waiting.stored)) continue;
        found.push({ waiting, reason: full ? 'spool_full' : 'memory_full' });
        overCount -= 1;
        overBytes -= waiting.entry.bytes;
        if (!waiting.stored) overMemory -= waiting.entry.bytes;
      }
      return found;
    },
    all: inOrderOfSacrifice,
    oldest() {
      let oldest: number | undefined;
      for (const group of bySeverity.values()) {
        const first = group.values().next().value?.entry.accepted_ms;
        if (first !== undefined && (oldest === undefined || first < oldest)) oldest = first;
      }
      return oldest;
    },
    unstored: () => [...byId.values()].filter(({ stored }) => !stored),
  };
}
