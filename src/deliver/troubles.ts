import { z } from 'zod';
import type { CanaryHealth } from '../model/canary.ts';
import type { DelivererStatus, Notice, SinkStatus } from '../model/delivery.ts';
import type { Severity } from '../model/finding.ts';
import type { SourceCounts, SourceHealth } from '../model/intake.ts';

export const noticesSchema = z.strictObject({
  sinks: z
    .array(z.string())
    .optional()
    .describe("names of sinks that are told Lanner's own troubles; default: those of the root route"),
  look_secs: z.number().min(0.01).max(600).default(10).describe('how often Lanner looks after itself'),
  after_secs: z
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('how long a source may be down, or a changed configuration refused, before it is told'),
});

function blindCondition({ source, reason, last_seen }: CanaryHealth): Condition {
  const last = last_seen === undefined ? 'none was ever reported' : `the last was reported ${last_seen}`;
  return {
    kind: 'sensor_blind',
    subject: source,
    severity: 'high',
    title: `The sensor behind ${source} does not see program starts`,
    detail: `${reason ?? 'the canary was not reported'}; ${last}`,
    after_ms: 0,
  };
}

/** What the watch looks at, now. */
export interface Observation {
  sources: readonly SourceHealth[];
  counts: ReadonlyMap<string, SourceCounts>;
  status: DelivererStatus;
  /** Absent or empty: no canary runs. */
  canaries?: readonly CanaryHealth[];
  /** Why a changed configuration is not in force; absent: it is, or none was changed. */
  config_refused?: string | undefined;
}

/** Looks at everything every now and then, and tells what began and what ended. The clock is handed in. */
export interface TroubleWatch {
  look(observation: Observation, now_ms: number): Notice[];
}

interface Condition {
  kind: Notice['kind'];
  subject: string;
  severity: Severity;
  title: string;
  detail: string;
  /** How long it must last before it is told. */
  after_ms: number;
}

interface Trouble {
  since_ms: number;
  seen_ms: number;
  /** The notice that told its beginning. */
  told?: Notice;
}

const minute = 60_000;
/** A sink that is merely down mends itself; told when it takes long. */
const brokenMs = 5 * minute;
/** A loss is an instant: its trouble is over when none came for so long. */
const lossMs = 10 * minute;
const full = { from: 0.8, to: 0.6 };

/**
 * Troubles of Lanner itself: a monitor that fails in silence is worse than none. Each is told once when it has
 * lasted long enough, and once when it is over; one that was never told ends untold.
 */
export function openTroubleWatch(options: { after_ms: number }): TroubleWatch {
  const troubles = new Map<string, Trouble>();
  /** Sums at the last look, and when they last grew. */
  const sums = new Map<string, { value: number; grown_ms: number; grown_by: number }>();

  function grew(name: string, value: number, now_ms: number): number {
    const former = sums.get(name);
    const grown = former !== undefined && value > former.value;
    const recent = former !== undefined && now_ms - former.grown_ms < lossMs;
    const grown_by = grown ? value - former.value + (recent ? former.grown_by : 0) : (former?.grown_by ?? 0);
    const grown_ms = grown ? now_ms : (former?.grown_ms ?? Number.NEGATIVE_INFINITY);
    sums.set(name, { value, grown_ms, grown_by });
    return now_ms - grown_ms < lossMs ? grown_by : 0;
  }

  function conditions(observation: Observation, now_ms: number): Condition[] {
    const { sources, counts, status, canaries = [], config_refused } = observation;
    const found: Condition[] = [];
    for (const source of sources) {
      if (source.state === 'ok' || source.state === 'stopped') continue;
      found.push({
        kind: 'source_down',
        subject: source.name,
        severity: 'high',
        title: `No events from ${source.name}`,
        detail: source.reason ?? `the source is ${source.state}`,
        after_ms: options.after_ms,
      });
    }
    found.push(...canaries.filter(({ state }) => state === 'blind').map(blindCondition));
    for (const [name, { sensor_lost_events, sensor_loss_reports, dropped }] of counts) {
      const lost = grew(
        `upstream ${name}`,
        sensor_lost_events + sensor_loss_reports + (dropped.queue_full ?? 0),
        now_ms,
      );
      if (lost === 0) continue;
      found.push({
        kind: 'upstream_drops',
        subject: name,
        severity: 'medium',
        title: `Events of ${name} are being lost`,
        detail: `${lost} losses reported by the sensor or dropped by the full queue: execs may have gone unseen`,
        after_ms: 0,
      });
    }
    if (config_refused !== undefined)
      found.push({
        kind: 'config_refused',
        subject: 'configuration',
        severity: 'medium',
        title: 'The changed configuration has a fault and is not in force',
        detail: `${config_refused}. The one before stays in force until this is mended`,
        after_ms: options.after_ms,
      });
    return [
      ...found,
      ...spoolConditions(status),
      ...status.sinks.flatMap((sink) => sinkConditions(sink, now_ms)),
    ];
  }

  function spoolConditions({ spool }: DelivererStatus): Condition[] {
    const found: Condition[] = [];
    const share = Math.max(spool.waiting / spool.max_deliveries, spool.bytes / spool.max_bytes);
    const bound = troubles.has('spool_filling spool') ? full.to : full.from;
    if (share >= bound) {
      found.push({
        kind: 'spool_filling',
        subject: 'spool',
        severity: 'high',
        title: 'The spool is filling up',
        detail: `${spool.waiting} deliveries wait, ${Math.round(share * 100)} % of the bound; at the bound the oldest of low severity are dropped`,
        after_ms: 0,
      });
    }
    if (spool.degraded !== undefined) {
      found.push({
        kind: 'spool_degraded',
        subject: 'spool',
        severity: 'high',
        title: 'Deliveries are kept in memory only',
        detail: spool.degraded,
        after_ms: 0,
      });
    }
    return found;
  }

  function sinkConditions(sink: SinkStatus, now_ms: number): Condition[] {
    const found: Condition[] = [];
    if (sink.state !== 'flowing') {
      const needsPerson = sink.state === 'parked' || sink.state === 'disabled';
      found.push({
        kind: 'sink_blocked',
        subject: sink.name,
        severity: 'high',
        title: `Nothing reaches ${sink.name}`,
        detail: `${sink.detail ?? sink.state}; ${sink.waiting} deliveries wait`,
        after_ms: needsPerson ? 0 : brokenMs,
      });
    }
    const lost = grew(`lost ${sink.name}`, sink.dead + sink.shed, now_ms);
    if (lost > 0) {
      found.push({
        kind: 'delivery_lost',
        subject: sink.name,
        severity: 'medium',
        title: `Deliveries to ${sink.name} were given up`,
        detail: `${lost} became dead letters or were dropped; see lanner spool list --dead`,
        after_ms: 0,
      });
    }
    return found;
  }

  function begin(condition: Condition, now_ms: number): Notice | undefined {
    const key = `${condition.kind} ${condition.subject}`;
    const trouble = troubles.get(key) ?? { since_ms: now_ms, seen_ms: now_ms };
    troubles.set(key, trouble);
    trouble.seen_ms = now_ms;
    if (trouble.told || now_ms - trouble.since_ms < condition.after_ms) return undefined;
    const { kind, subject, severity, title, detail } = condition;
    trouble.told = {
      schema: 'lanner.notice/v1',
      id: `${kind}:${subject}:${trouble.since_ms}`,
      kind,
      state: 'started',
      severity,
      subject,
      title,
      detail,
      started: new Date(trouble.since_ms).toISOString(),
    };
    return trouble.told;
  }

  return {
    look(observation, now_ms) {
      const notices = conditions(observation, now_ms)
        .map((condition) => begin(condition, now_ms))
        .filter((notice) => notice !== undefined);
      for (const [key, { seen_ms, told }] of troubles) {
        if (seen_ms === now_ms) continue;
        troubles.delete(key);
        if (told) notices.push({ ...told, state: 'ended', ended: new Date(now_ms).toISOString() });
      }
      return notices;
    },
  };
}
