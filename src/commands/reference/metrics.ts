/** deploy/reference/metrics.md: rendered from the registry of a service. */
import { parseConfig } from '../../config.ts';
import { openService } from '../../service/index.ts';
import { silentLog } from '../../telemetry/log.ts';
import { code, table } from './markdown.ts';

export interface MetricEntry {
  name: string;
  type: string;
  labels: readonly string[];
  help: string;
}

/** Every metric that a service registers, Lanner's own first. */
export function metricEntries(): MetricEntry[] {
  const config = parseConfig('version: 1\nsources: {reference: {type: tetragon}}\n', 'reference');
  const { metrics } = openService({ config, version: '', log: silentLog });
  const entries = metrics.registry.getMetricsAsArray().map((metric) => {
    // prom-client's types leave out what each of its metrics has.
    const { labelNames = [], type } = metric as unknown as { labelNames?: string[]; type: string };
    return { name: metric.name, type, labels: labelNames, help: metric.help };
  });
  const rank = ({ name }: MetricEntry) => (name.startsWith('lanner_') ? 0 : 1);
  return entries.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** The page. */
export function metricsReference(): string {
  const rows = metricEntries().map(({ name, type, labels, help }) => [
    code(name),
    type,
    labels.map(code).join(', '),
    help,
  ]);
  const own = rows.filter(([name]) => name?.startsWith('`lanner_'));
  const process = rows.filter(([name]) => !name?.startsWith('`lanner_'));
  const head = ['metric', 'type', 'labels', 'meaning'];
  return `${[
    '# Metrics',
    'Written by `npm run generate` from the registry of a service. `GET /metrics` at `http.listen` (127.0.0.1:2114 unless configured) answers in the Prometheus text format. Labels take their values from the configuration (names of sources, sinks, routes) or from closed lists (states, reasons, severities): nothing that a container says becomes a label.',
    '## Lanner',
    table(head, own),
    '## The process',
    'As prom-client gives them, on Linux.',
    table(head, process),
  ].join('\n\n')}\n`;
}
