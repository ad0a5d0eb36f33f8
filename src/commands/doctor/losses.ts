import { messageOf } from '../../lib/errors.ts';
import { falcoLossCounters, lostEvents } from '../../sources/tetragon/agent-metrics.ts';
import { ask } from '../ask.ts';
import { type Check, type Checkup, ok, type Result, skipped, sourcesOf, warn } from './check.ts';

const usual = { tetragon: 'http://127.0.0.1:2112/metrics', falco: 'http://127.0.0.1:8765/metrics' };

/** What the sensors say they lost before anybody could read it: a drop there is a silent miss. */
export const losses: Check = {
  id: 'sensor_losses',
  async run(checkup) {
    const { config } = checkup;
    const agents = sourcesOf(config, 'tetragon').map(([name, { metrics_url }]) =>
      scrape(`source ${name}`, metrics_url ?? usual.tetragon, metrics_url === undefined, checkup),
    );
    const falcos = [...sourcesOf(config, 'falco_grpc'), ...sourcesOf(config, 'falco_http')]
      .slice(0, 1)
      .map(() => scrape('falco', usual.falco, true, checkup, falcoLossCounters));
    return Promise.all([...agents, ...falcos]);
  },
};

async function scrape(
  about: string,
  url: string,
  guessed: boolean,
  { timeoutMs, clocks, now }: Checkup,
  counters?: ReadonlySet<string>,
): Promise<Result> {
  try {
    const { status, body, headers } = await ask({ url: new URL(url) }, url, timeoutMs);
    if (status !== 200) throw new Error(`HTTP ${status}`);
    const date = Date.parse(String(headers.date));
    if (!Number.isNaN(date)) clocks.push({ of: url, skew_ms: date - now() });
    const lost = lostEvents(body, counters);
    if (lost > 0)
      return warn(
        about,
        `the sensor lost ${lost} events since it started (${url})`,
        'deploy/monitoring/runbook.md, LannerSensorLoses: a larger buffer, fewer policies or rules.',
      );
    if (guessed && counters === undefined)
      return warn(
        about,
        `the sensor lost nothing since it started (${url}); Lanner does not watch it`,
        `Set metrics_url: ${url} so that losses are told.`,
      );
    return ok(about, `the sensor lost nothing since it started (${url})`);
  } catch (trouble) {
    const why = `what the sensor lost is not known: ${url}: ${messageOf(trouble)}`;
    return guessed
      ? skipped(about, why)
      : warn(about, why, "Correct metrics_url, or switch the agent's metrics on.");
  }
}
