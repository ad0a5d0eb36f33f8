import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { queries, readDashboard } from '../support/dashboard.ts';
import { everything } from '../support/everything.ts';
import { until } from '../support/fixtures.ts';
import { get, openBench, post } from '../support/lanner.ts';
import { endProcess, freePort, pathOf, startDaemon, tellSkipped } from '../support/real/system.ts';
import { recordedLines, recordedMessages } from '../support/recordings.ts';

const reason =
  pathOf('prometheus') && pathOf('promtool')
    ? undefined
    : 'prometheus is not installed (.ci/install-real.sh)';
tellSkipped('the dashboard over a real Prometheus', reason);
const all = queries(readDashboard());

describe.runIf(reason === undefined)('the queries of the dashboard', () => {
  it('are PromQL, as promtool reads it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanner-promql-'));
    try {
      const rules = all.map(({ expr }, at) => ({ record: `panel:query:${at}`, expr }));
      writeFileSync(join(folder, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
      const run = spawnSync('promtool', ['check', 'rules', join(folder, 'rules.yaml')], { encoding: 'utf8' });
      expect(run.status, run.stdout + run.stderr).toBe(0);
      expect(run.stdout).toContain(`${all.length} rules found`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe('in a Prometheus that scrapes a Lanner', () => {
    const bench = openBench();
    afterAll(() => bench.clean());
    let prometheus: string;

    interface Answer {
      status: string;
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    }
    const ask = async (expr: string) => {
      const answer = await get(`${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`);
      return JSON.parse(answer) as Answer;
    };

    beforeAll(async () => {
      const { config, falco } = await everything(bench);
      falco.queue.push(...recordedMessages('falco/scenario'));
      const run = bench.lanner(['run', '--config', config]);
      await until(() => run.err().includes('listening for Falco'), 'the receiver');
      await until(() => run.err().includes('lanner runs'), 'HTTP');
      const { host } = new URL(run.logged('lanner runs', 'http'));
      const port = await freePort();
      prometheus = `http://127.0.0.1:${port}`;
      writeFileSync(
        join(bench.folder, 'prometheus.yaml'),
        JSON.stringify({
          global: { scrape_interval: '1s', evaluation_interval: '1s' },
          rule_files: [join(import.meta.dirname, '../../deploy/monitoring/alerts.yaml')],
          scrape_configs: [{ job_name: 'lanner', static_configs: [{ targets: [host] }] }],
        }),
      );
      const daemon = startDaemon(
        pathOf('prometheus')!,
        [
          `--config.file=${bench.folder}/prometheus.yaml`,
          `--storage.tsdb.path=${bench.folder}/tsdb`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        join(bench.folder, 'prometheus.log'),
      );
      bench.later(() => endProcess(daemon, 'SIGKILL'));
      const at = `http://${run.logged('listening for Falco', 'address')}/secret`;
      for (const line of recordedLines('falco/scenario.http').slice(0, 40)) await post(at, line);
      // Rates want two scrapes.
      await vi.waitFor(
        async () => {
          const [series] = (await ask('count_over_time(lanner_build_info[1m])')).data.result;
          expect(Number(series!.value[1])).toBeGreaterThan(4);
        },
        { timeout: 40_000, interval: 250 },
      );
    });

    it.each(all.map(({ title, expr, legend }) => [title, expr, legend] as const))(
      '%s is answered, each line with its name: %s',
      async (_title, expr, legend) => {
        const { status, data } = await ask(expr);
        expect(status).toBe('success');
        const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]);
        // What succeeded has no reason.
        for (const { metric } of data.result)
          expect(Object.keys(metric).concat('reason')).toEqual(expect.arrayContaining(labels));
      },
    );

    it('show something, but for troubles that are not there', async () => {
      const answers = await Promise.all(all.map(async (one) => ({ ...one, answer: await ask(one.expr) })));
      const empty = answers.filter(({ answer }) => answer.data.result.length === 0).map(({ title }) => title);
      expect([...new Set(empty)]).toEqual([
        'Dropped before the judgement',
        'Canary: start to report',
        'Given up',
        'Spool in trouble',
        'Sources of facts',
        'History',
      ]);
    });

    it('are asked beside the alerts, of which one is about the sink that is away', async () => {
      const { data } = await ask('ALERTS{alertname="LannerSinkBlocked"}');
      expect(data.result.map(({ metric }) => [metric.sink, metric.alertstate])).toEqual([
        ['away', 'pending'],
      ]);
    });
  });
});
