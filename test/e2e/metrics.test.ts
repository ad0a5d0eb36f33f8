import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { everything } from '../support/everything.ts';
import { until } from '../support/fixtures.ts';
import { type Bench, get, openBench, post, type Run } from '../support/lanner.ts';
import { recordedLines, recordedMessages } from '../support/recordings.ts';

const reference = readFileSync(join(import.meta.dirname, '../../deploy/reference/metrics.md'), 'utf8');

interface Described {
  type: string;
  help: string;
}
interface Sample {
  metric: string;
  labels: Record<string, string>;
  value: number;
}

/** name → type, help, labels, out of the tables of the reference. */
function described() {
  const rows = [...reference.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm)];
  return new Map(
    rows.map(([, name, type, labels, help]) => [
      name!,
      {
        type: type!,
        help: help!,
        labels: [...labels!.matchAll(/`(\w+)`/g)].map((match) => match[1]!).sort(),
      },
    ]),
  );
}

/** What Prometheus would read. Parts of a histogram count as the histogram. */
function scraped(text: string): { metrics: Map<string, Described>; samples: Sample[] } {
  const metrics = new Map<string, Described>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') metrics.set(name, { type: '', help: rest });
    if (kind === 'TYPE') metrics.get(name)!.type = rest;
    const sample = /^(\w+)(?:\{(.*)\})? ([\d.eE+-]+|NaN|[+-]Inf)$/.exec(line);
    if (sample === null) continue;
    const [, given = '', list = '', value] = sample;
    const metric = metrics.has(given) ? given : given.replace(/_(bucket|sum|count)$/, '');
    const labels = [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].filter(([, label]) => label !== 'le');
    samples.push({
      metric,
      labels: Object.fromEntries(labels.map(([, label, text]) => [label, text])),
      value: Number(value),
    });
  }
  return { metrics, samples };
}

/** Prefixes of the metrics that must have come to life here; of others their own tests tell. */
const lively =
  /^lanner_(build_info|canary_(total|blind)|deliver(?!ies_shed)|enrich_(cache|lookup|source_up|unknown)|exception_hits|findings|history_kept|queue|route|sink|source|spool)/;

describe('the metrics of a running Lanner, with every kind of source and many of its troubles', () => {
  const bench: Bench = openBench();
  const documented = described();
  let now: ReturnType<typeof scraped>;
  const value = (metric: string, labels: Record<string, string> = {}) =>
    now.samples
      .filter((one) => one.metric === metric)
      .filter((one) => Object.entries(labels).every(([label, text]) => one.labels[label] === text))
      .reduce((sum, one) => sum + one.value, 0);

  beforeAll(async () => {
    const { config, falco: falcoServer } = await everything(bench);
    // The first run leaves something in the spool for the second.
    const first = bench.lanner(['run', '--config', config]);
    await until(() => first.err().includes('lanner runs'), 'the first run');
    await scrapeUntil(first, (metrics) => /lanner_deliveries_waiting\{sink="away"\} [1-9]/.test(metrics));
    first.child.kill('SIGTERM');
    await first.code;
    for (const name of ['falco/scenario', 'falco/internal'])
      falcoServer.queue.push(...recordedMessages(name));
    const second = bench.lanner(['run', '--config', config]);
    await until(() => second.err().includes('listening for Falco'), 'the receiver');
    const falco = `http://${second.logged('listening for Falco', 'address')}/secret`;
    for (const line of recordedLines('falco/scenario.http').slice(0, 40)) await post(falco, line);
    expect(await post(falco, Buffer.from('no JSON'))).toBeGreaterThanOrEqual(400);
    const text = await scrapeUntil(second, (metrics) => {
      now = scraped(metrics);
      return silent().length === 0;
    });
    now = scraped(text);
    second.child.kill('SIGTERM');
    await second.code;
  }, 60_000);
  afterAll(() => bench.clean());

  const silent = () => {
    const alive = new Set(now.samples.map((one) => one.metric));
    return [...documented.keys()].filter((name) => lively.test(name) && !alive.has(name));
  };

  /** The metrics once `isThere` holds; the last ones where it does not come to hold. */
  async function scrapeUntil(run: Run, isThere: (metrics: string) => boolean): Promise<string> {
    const http = run.logged('lanner runs', 'http');
    let text = '';
    const look = async () => {
      text = await get(`${http}/metrics`);
      if (!isThere(text)) throw new Error('not yet');
    };
    await vi.waitFor(look, { timeout: 20_000, interval: 100 }).catch(() => {});
    return text;
  }

  it('are those of the reference: each is there, and no other, with its type and help', () => {
    const without = ({ type, help }: Described) => ({ type, help });
    expect(Object.fromEntries(now.metrics)).toEqual(
      Object.fromEntries([...documented].map(([name, entry]) => [name, without(entry)])),
    );
  });

  it('have the labels that the reference names, each time', () => {
    for (const { metric, labels } of now.samples)
      expect([metric, ...Object.keys(labels).sort()]).toEqual([metric, ...documented.get(metric)!.labels]);
  });

  it('have come to life', () => {
    expect([...documented.keys()].filter((name) => lively.test(name)).length).toBeGreaterThan(40);
    expect(silent()).toEqual([]);
  });

  it('count what the issue of watching is about', () => {
    for (const source of ['agent', 'export', 'falco', 'posted'])
      expect(value('lanner_source_execs_total', { source }), source).toBeGreaterThan(10);
    expect(value('lanner_source_early_rejected_total')).toBeGreaterThan(0);
    expect(value('lanner_source_dropped_total', { source: 'posted' })).toBe(1);
    expect(value('lanner_source_loss_reports_total', { source: 'falco' })).toBeGreaterThan(0);
    expect(value('lanner_findings_total', { tool: 'netcat', severity: 'high' })).toBeGreaterThan(0);
    expect(value('lanner_findings_total', { category: 'dns' })).toBeGreaterThan(0);
    expect(value('lanner_exception_hits_total', { exception: 'curls' })).toBeGreaterThan(0);
    expect(value('lanner_deliveries_dead_total', { sink: 'refusing' })).toBeGreaterThan(0);
    expect(value('lanner_deliveries_recovered_total', { sink: 'away' })).toBeGreaterThan(0);
    expect(value('lanner_delivery_attempts_total', { sink: 'fine', outcome: 'delivered' })).toBeGreaterThan(
      0,
    );
    expect(value('lanner_spool_bytes')).toBeGreaterThan(0);
    expect(value('lanner_build_info')).toBe(1);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  it('take no label from what a container says', () => {
    const said = ['shop', 'lab.', '.invalid', '/tmp', '/usr', '6403692adba9', bench.folder];
    // The configuration names the runtime's socket.
    const mine = now.samples.filter(({ metric }) => metric !== 'lanner_enrich_source_up');
    for (const { metric, labels } of mine)
      for (const text of Object.values(labels))
        for (const word of said) expect(text, metric).not.toContain(word);
    expect(now.samples.length).toBeLessThan(1500);
  });
});
