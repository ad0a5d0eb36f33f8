import { Pool } from 'undici';
import { messageOf } from '../../lib/errors.ts';
import type { SourceCounts } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { wait } from '../backoff.ts';

/** Counters by which the agent admits to losses; the stream itself never tells. */
const lossCounters = new Set([
  'tetragon_bpf_missed_events_total',
  'tetragon_notify_overflowed_events_total',
  'tetragon_missed_events_total',
  'tetragon_ringbuf_queue_lost_total',
  'tetragon_ringbuf_perf_event_lost_total',
]);
/** The same for Falco: events its kernel side dropped, and alerts its output queue had no room for. */
export const falcoLossCounters: ReadonlySet<string> = new Set([
  'falcosecurity_scap_n_drops_total',
  'falcosecurity_falco_outputs_queue_num_drops_total',
]);
const MAX_BODY = 8 * 1024 * 1024;

/** Sum of the loss counters in Prometheus's text format. */
export function lostEvents(text: string, counters: ReadonlySet<string> = lossCounters): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    const name = /^([a-z_:][a-z0-9_:]*)/i.exec(line)?.[1];
    if (name === undefined || !counters.has(name)) continue;
    const value = Number(
      line
        .slice(line.lastIndexOf('}') + 1 || name.length)
        .trim()
        .split(' ')[0],
    );
    if (Number.isFinite(value)) sum += value;
  }
  return sum;
}

/**
 * Scrapes the agent's metrics until `signal` aborts and adds what it lost since the scrape before to `counts`.
 * A restart of the agent sets its counters to zero: then the new value is the increase.
 */
export async function watchAgentMetrics(
  source: string,
  config: { metrics_url?: string | undefined; metrics_secs: number },
  counts: SourceCounts,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const url = config.metrics_url;
  if (url === undefined) return;
  let before: number | undefined;
  let failing = false;
  while (!signal.aborted) {
    try {
      const now = lostEvents(await read(url, signal));
      const lost = before === undefined ? 0 : now < before ? now : now - before;
      before = now;
      failing = false;
      if (lost > 0) {
        counts.sensor_lost_events += lost;
        counts.sensor_loss_reports += 1;
        log.warn('the agent lost events', {
          source,
          lost,
          mend: 'Raise its ring buffer (--rb-size) or narrow its policies.',
        });
      }
    } catch (error) {
      if (!failing && !signal.aborted)
        log.warn("the agent's metrics cannot be read", { source, url, reason: messageOf(error) });
      failing = true;
    }
    await wait(config.metrics_secs * 1000, signal);
  }
}

async function read(address: string, signal: AbortSignal): Promise<string> {
  const { origin, pathname, search } = new URL(address);
  // One connection for each look, which is once a minute.
  const agent = new Pool(origin, { connections: 1, headersTimeout: 10_000, bodyTimeout: 10_000 });
  try {
    return await bodyOf(agent, pathname + search, signal);
  } finally {
    await agent.destroy();
  }
}

async function bodyOf(agent: Pool, path: string, signal: AbortSignal): Promise<string> {
  const answer = await agent.request({ method: 'GET', path, signal });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw new Error(`HTTP ${answer.statusCode}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error('more than 8 MiB of metrics');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
