import type { ExecEvent } from '../../src/model/exec-event.ts';
import {
  countDrop,
  type DropReason,
  type Intake,
  type Interest,
  newSourceCounts,
  type SensorAlert,
} from '../../src/model/intake.ts';
import { ProcessTable } from '../../src/state/process-table.ts';
import { RecentExecs } from '../../src/state/recent.ts';

/** What a source handed over, kept for a test. */
export interface TestIntake extends Intake {
  recent: RecentExecs;
  events: ExecEvent[];
  alerts: SensorAlert[];
  unread: { reason: DropReason; detail: string }[];
  /** Fulfilled when `done` holds, looked at after each hand-over. */
  until(done: () => boolean): Promise<void>;
}

/** Everything interests. */
export const allInterest: Interest = { path: () => true, text: () => true, exec: () => true };
/** Nothing does. */
export const noInterest: Interest = { path: () => false, text: () => false, exec: () => false };

/**
 * An intake that decodes at once. `accept` answers for `judge`: undefined (no finding) if it is left out.
 */
export function testIntake(
  options: { interest?: Interest; accept?: (event: ExecEvent) => Promise<void> | undefined } = {},
): TestIntake {
  let waiting: { done: () => boolean; resolve: () => void }[] = [];
  const look = () => {
    waiting = waiting.filter(({ done, resolve }) => {
      if (!done()) return true;
      resolve();
      return false;
    });
  };
  const intake: TestIntake = {
    counts: newSourceCounts(),
    interest: options.interest ?? allInterest,
    processes: new ProcessTable({ maxBytes: 1024 * 1024 }),
    recent: new RecentExecs({ containers: 16 }),
    events: [],
    alerts: [],
    unread: [],
    offer(message, decode) {
      const event = decode(message);
      if (event !== undefined) intake.events.push(event);
      intake.counts.judged += 1;
      look();
      return true;
    },
    judge(event) {
      intake.events.push(event);
      intake.counts.judged += 1;
      look();
      return options.accept?.(event);
    },
    alert(alert) {
      intake.alerts.push(alert);
      look();
    },
    unreadable(reason, detail) {
      countDrop(intake.counts, reason);
      intake.unread.push({ reason, detail });
      look();
    },
    until: (done) =>
      new Promise((resolve) => {
        waiting.push({ done, resolve });
        look();
      }),
  };
  return intake;
}
