import type { FindingCount, SourceCounts, SourceHealth } from '../model/intake.ts';
import type { Metrics } from './metrics.ts';

/** What the pipeline and its sources have counted, asked when metrics are scraped. */
export interface CountsView {
  counts(): ReadonlyMap<string, SourceCounts>;
  findings(): readonly FindingCount[];
  queued(): { messages: number; bytes: number };
  sources(): readonly SourceHealth[];
}

/** One metric for each plain number of SourceCounts. */
const perSource: [keyof SourceCounts & string, string, string][] = [
  ['messages', 'lanner_source_messages_total', 'Messages that arrived, readable or not'],
  ['execs', 'lanner_source_execs_total', 'Program starts the sensor reported, host included'],
  ['container_execs', 'lanner_source_container_execs_total', 'Program starts in containers'],
  ['exits', 'lanner_source_exits_total', 'Process ends the sensor reported'],
  ['already_running', 'lanner_source_already_running_total', 'Processes that ran before the sensor started'],
  ['failed_execs', 'lanner_source_failed_execs_total', 'execve calls that failed (Falco)'],
  ['other_alerts', 'lanner_source_other_alerts_total', 'Falco alerts that are no program start'],
  ['internal', 'lanner_source_internal_total', 'Falco messages about itself'],
  ['early_rejected', 'lanner_source_early_rejected_total', 'Program starts dismissed on bytes'],
  ['judged', 'lanner_source_judged_total', 'Program starts that were decoded and judged'],
  [
    'late_answers',
    'lanner_source_late_answers_total',
    'Requests answered before delivery had accepted (Falco HTTP)',
  ],
  ['sensor_loss_reports', 'lanner_source_loss_reports_total', "The sensor's own reports of loss"],
  ['sensor_lost_events', 'lanner_source_sensor_lost_events_total', 'Events the sensor says it lost'],
  ['connects', 'lanner_source_connects_total', 'Connections that were opened'],
  ['disconnects', 'lanner_source_disconnects_total', 'Connections that were lost'],
  ['gap_seconds', 'lanner_source_gap_seconds_total', 'Seconds without a connection, closed gaps'],
];

/** Registers the metrics; `refresh` copies the numbers, to be called before each scrape. */
export function sourceMetrics(metrics: Metrics, view: CountsView): { refresh(): void } {
  const counters = perSource.map(
    ([key, name, help]) => [key, metrics.counter(name, help, ['source'])] as const,
  );
  const dropped = metrics.counter(
    'lanner_source_dropped_total',
    'Messages that were not read or not kept, by reason',
    ['source', 'reason'],
  );
  const findings = metrics.counter('lanner_findings_total', 'Findings by severity, tool and category', [
    'severity',
    'tool',
    'category',
  ]);
  const queued = metrics.gauge('lanner_queue_messages', 'Messages that wait for their judgement');
  const queuedBytes = metrics.gauge('lanner_queue_bytes', 'Bytes of the messages that wait');
  const up = metrics.gauge('lanner_source_up', '1 while the source is connected and in order', ['source']);
  const transport = metrics.gauge('lanner_source_transport', '1 for what carries the stream of a source', [
    'source',
    'transport',
  ]);
  return {
    refresh() {
      for (const [key, counter] of counters) {
        counter.reset();
        for (const [source, counts] of view.counts()) counter.inc({ source }, counts[key] as number);
      }
      dropped.reset();
      for (const [source, counts] of view.counts())
        for (const [reason, count] of Object.entries(counts.dropped)) dropped.inc({ source, reason }, count);
      findings.reset();
      for (const { count, ...labels } of view.findings()) findings.inc(labels, count);
      const { messages, bytes } = view.queued();
      queued.set(messages);
      queuedBytes.set(bytes);
      // A source may have been removed since.
      up.reset();
      transport.reset();
      for (const source of view.sources()) {
        up.set({ source: source.name }, source.state === 'ok' ? 1 : 0);
        if (source.transport !== undefined)
          transport.set({ source: source.name, transport: source.transport }, 1);
      }
    },
  };
}
