import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { enrichSchema } from '../../src/enrich/config.ts';
import { createEnricher, type EnricherDeps } from '../../src/enrich/index.ts';
import type { Enricher } from '../../src/model/enrich.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { type Log, type LogFields, silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';

/** A folder for sockets (their paths must be short), and what removes it. */
export function socketFolder(): { at: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  return { at: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** `curl` executed in a container of this id. */
export function execIn(id: string, rest: Partial<ExecEvent> = {}): ExecEvent {
  return {
    id: 'event-1',
    time: '2026-11-22T22:00:00.000000000Z',
    sensor: 'tetragon',
    source: 'test',
    container: { id },
    process: {
      binary: '/usr/bin/curl',
      argv: ['/usr/bin/curl', 'http://example.org'],
      argv_quality: 'exact',
      argv0_known: false,
    },
    ancestors: [],
    ...rest,
  };
}

export interface Rig {
  enricher: Enricher;
  metrics: Metrics;
  lines: { level: string; message: string; fields: LogFields }[];
  /** Value of one metric with these labels. */
  value(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** An enricher with small times, not started. */
export function rig(config: z.input<typeof enrichSchema>, deps: Partial<EnricherDeps> = {}): Rig {
  const metrics = new Metrics();
  const lines: Rig['lines'] = [];
  const note =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  const log: Log = { ...silentLog, warn: note('warn'), info: note('info') };
  const enricher = createEnricher(enrichSchema.parse(config), {
    metrics,
    log,
    env: {},
    serviceAccount: '/nonexistent',
    ...deps,
  });
  return {
    enricher,
    metrics,
    lines,
    async value(name, labels = {}) {
      const metric = await metrics.registry.getSingleMetric(name)?.get();
      const found = metric?.values.find((one) =>
        Object.entries(labels).every(
          ([key, value]) => (one.labels as Record<string, unknown>)[key] === value,
        ),
      );
      return found?.value ?? 0;
    },
    stop: () => enricher.close(),
  };
}

/** Fulfilled as soon as `holds` is true; fails after `ms`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = 'the condition',
  ms = 10_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
