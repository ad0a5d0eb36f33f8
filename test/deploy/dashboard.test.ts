import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dashboard as rendered } from '../../.ci/dashboard.mjs';
import { metricEntries } from '../../src/commands/reference/metrics.ts';
import { queries, readDashboard } from '../support/dashboard.ts';

const dashboard = readDashboard();
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const known = new Map(metricEntries().map((entry) => [entry.name, entry]));
/** What Prometheus adds to each series, and the buckets of a histogram. */
const added = ['instance', 'job', 'le'];

/** The metric behind the name of a series. */
const metricOf = (name: string) => (known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''));
const namesIn = (expr: string) => expr.match(/\b(?:lanner|nodejs|process)_[a-z0-9_]+/g) ?? [];

/** Each list of labels in a query: of a selector `{…}`, of `by (…)`, of a legend. */
function labelsIn(expr: string, legend: string): string[] {
  const selected = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap((match) =>
    [...match[1]!.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)].map((one) => one[1]!),
  );
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap((match) => match[1]!.split(/,\s*/));
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]!);
  return [...selected, ...grouped, ...shown];
}

describe('deploy/monitoring/dashboard.json', () => {
  it('is what .ci/dashboard.mjs writes', () => {
    const text = readFileSync(join(import.meta.dirname, '../../deploy/monitoring/dashboard.json'), 'utf8');
    expect(text === rendered(), 'stale: npm run deploy:render').toBe(true);
  });

  it('can be imported: an id, a schema that Grafana migrates from, a choice of data source', () => {
    expect(dashboard.uid).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
    ]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it.each(panels.map((panel) => [panel.title, panel] as const))('%s is complete', (_title, panel) => {
    expect(panel.description).toMatch(/.{5,}\.$/);
    expect(['short', 's', 'bytes', 'percentunit', 'cps']).toContain(panel.fieldConfig?.defaults.unit);
    expect(panel.datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
    expect(panel.targets!.length).toBeGreaterThan(0);
    expect(panel.targets!.map(({ refId }) => refId).join('')).toBe('ABCDE'.slice(0, panel.targets!.length));
    for (const target of panel.targets!) {
      expect(target.datasource.uid).toBe('${datasource}');
      expect(target.expr).toContain('instance=~"$instance"');
    }
  });

  it('has a title for each panel, none twice, and panels that lie beside each other', () => {
    const titles = panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    const cells = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.has(`${x} ${y}`), title).toBe(false);
          cells.add(`${x} ${y}`);
        }
    }
  });

  it.each(queries(dashboard).map((query) => [query.title, query.expr, query.legend]))(
    '%s asks for metrics there are, by labels they have: %s',
    (_title, expr, legend) => {
      const names = namesIn(expr!).map(metricOf);
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => !known.has(name))).toEqual([]);
      const labels = [...added, ...names.flatMap((name) => known.get(name)!.labels)];
      expect(labelsIn(expr!, legend!).filter((label) => !labels.includes(label))).toEqual([]);
    },
  );

  it('asks for rates of counters only, and for buckets of histograms', () => {
    for (const { expr } of queries(dashboard)) {
      for (const [, name] of expr.matchAll(/(?:rate|increase)\((\w+)/g))
        expect(['counter', 'histogram'], expr).toContain(known.get(metricOf(name!))?.type);
      for (const name of namesIn(expr).filter((one) => one.endsWith('_bucket')))
        expect(known.get(metricOf(name))?.type, expr).toBe('histogram');
    }
  });

  it.each([
    ['execs by source', 'lanner_source_execs_total'],
    ['early rejects', 'lanner_source_early_rejected_total'],
    ['decode errors and drops with their reason', 'lanner_source_dropped_total'],
    ['gaps in seconds', 'lanner_source_gap_seconds_total'],
    ['losses of the sensor', 'lanner_source_sensor_lost_events_total'],
    ['queue depth', 'lanner_queue_messages'],
    ['findings', 'lanner_findings_total'],
    ['exceptions', 'lanner_exception_hits_total'],
    ['attempts by outcome', 'lanner_delivery_attempts_total'],
    ['attempt latency', 'lanner_delivery_attempt_seconds'],
    ['spool depth', 'lanner_deliveries_waiting'],
    ['spool bytes', 'lanner_spool_bytes'],
    ['age of the oldest delivery', 'lanner_spool_oldest_seconds'],
    ['dead letters', 'lanner_deliveries_dead_total'],
    ['enrichment', 'lanner_enrich_lookups_total'],
    ['blindness', 'lanner_canary_blind'],
    ['loop lag', 'nodejs_eventloop_lag_p99_seconds'],
    ['memory', 'process_resident_memory_bytes'],
    ['versions', 'lanner_build_info'],
  ])('shows %s', (_what, metric) => {
    expect(queries(dashboard).flatMap(({ expr }) => namesIn(expr).map(metricOf))).toContain(metric);
  });
});
