import type { Lane } from './lane.ts';
import type { Ledger, Waiting } from './ledger.ts';
import type { Spool } from './spool.ts';
import type { DeadLetter, SpoolEntry } from './store/contract.ts';

/** What a person can do about deliveries: `lanner spool …` through the control socket. */
export interface SpoolAdmin {
  /** What waits: lowest severity first, oldest first within one. */
  waiting(limit: number): SpoolEntry[];
  /** Newest first. */
  deadLetters(limit: number): Promise<DeadLetter[]>;
  /** The payload (JSON) of a waiting delivery or of a dead letter. */
  payload(id: string): Promise<string | undefined>;
  /** Dead letters wait again, with no attempts counted. Answers how many. */
  revive(ids: readonly string[]): Promise<number>;
  /** Takes waiting deliveries and dead letters away for good. Answers how many. */
  drop(ids: readonly string[]): Promise<number>;
  /** Opens the gate of a sink that was paused, broken, parked or disabled. False if there is no such sink. */
  unblock(sink: string): boolean;
}

/** What the dispatcher lends. */
export interface AdminHost {
  spool: Spool;
  ledger: Ledger;
  lanes: ReadonlyMap<string, Lane>;
  lineUp(entries: SpoolEntry[]): void;
  shed(waiting: Waiting): void;
  unblocked(sink: string): void;
}

export function openSpoolAdmin({ spool, ledger, lanes, lineUp, shed, unblocked }: AdminHost): SpoolAdmin {
  return {
    waiting(limit) {
      const entries: SpoolEntry[] = [];
      for (const { entry } of ledger.all()) {
        if (entries.length >= limit) break;
        entries.push(entry);
      }
      return entries;
    },
    deadLetters: (limit) => spool.deadLetters(limit),
    payload: (id) => spool.payload(id),
    async revive(ids) {
      const revived = await spool.revive(ids);
      lineUp(revived);
      return revived.length;
    },
    async drop(ids) {
      let dropped = 0;
      for (const id of ids) {
        const waiting = ledger.get(id);
        // What is under way may have arrived already; it cannot be taken back.
        if (!waiting || waiting.flying) continue;
        shed(waiting);
        dropped += 1;
      }
      return dropped + (await spool.dropDead(ids));
    },
    unblock(sink) {
      const lane = lanes.get(sink);
      if (!lane) return false;
      lane.unblock();
      unblocked(sink);
      return true;
    },
  };
}
