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

/** An intake that keeps what it is given, decoded at once. */
export interface RecordingIntake extends Intake {
  events: ExecEvent[];
  alerts: SensorAlert[];
  errors: { reason: DropReason; detail: string }[];
}

export const everything: Interest = { path: () => true, text: () => true };
export const nothing: Interest = { path: () => false, text: () => false };

export function recordingIntake(
  interest: Interest = everything,
  onEvent?: (event: ExecEvent) => void,
): RecordingIntake {
  const counts = newSourceCounts();
  const intake: RecordingIntake = {
    counts,
    interest,
    processes: new ProcessTable(),
    events: [],
    alerts: [],
    errors: [],
    offer(message, decode) {
      const event = decode(message);
      if (event !== undefined) intake.judge(event);
      return true;
    },
    judge(event) {
      counts.judged += 1;
      intake.events.push(event);
      onEvent?.(event);
      return undefined;
    },
    alert: (alert) => void intake.alerts.push(alert),
    unreadable(reason, detail) {
      countDrop(counts, reason);
      intake.errors.push({ reason, detail });
    },
  };
  return intake;
}
