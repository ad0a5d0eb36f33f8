import { join } from 'node:path';
import type { Config } from '../config.ts';
import { openSnapshotFile } from '../history/snapshot-file.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Finding } from '../model/finding.ts';
import {
  type Learning,
  type LearningSnapshot,
  learnedOutcomes,
  openLearning,
  parseSnapshot,
} from '../route/learning.ts';
import { learningEvents } from '../telemetry/learning-events.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { stateDirectory } from './places.ts';

/** Learns what new images do while `learning.enabled`, over restarts too. */
export interface LearningWork {
  /** Of each finding that is told; costs nothing while learning is off. */
  finding(finding: Finding): void;
  snapshot(): LearningSnapshot;
  /** Before each scrape. */
  refresh(): void;
  /** Takes back what an earlier process learned. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface LearningParts {
  config: () => Config;
  clock: Clock;
  metrics: Metrics;
  log: Log;
}

const SAVE_MS = 30_000;

/** Where learning is kept over a restart. */
export function learningFile(config: Config): string {
  return join(stateDirectory(config), 'learning.json');
}

export function openLearningWork({ config, clock, metrics, log }: LearningParts): LearningWork {
  const events = learningEvents(metrics, learnedOutcomes);
  let failing = false;
  const file = openSnapshotFile({
    path: learningFile(config()),
    clock,
    every_ms: SAVE_MS,
    failed(reason) {
      if (!failing) log.warn('what was learned of new images is not kept over a restart', { reason });
      failing = true;
    },
  });
  const settings = () => config().learning;
  let learning: Learning = openLearning(settings);

  return {
    finding(finding) {
      if (!settings().enabled || finding.test === true) return;
      events.seen(learning.see(finding));
      if (config().durable) file.save(() => JSON.stringify(learning.snapshot()));
    },
    snapshot: () => learning.snapshot(),
    refresh: () => events.refresh(learning.counts()),
    async start() {
      if (!config().durable) return;
      try {
        const text = await file.read();
        const before = text === undefined ? undefined : parseSnapshot(text);
        if (text !== undefined && before === undefined) throw new Error('it is damaged');
        learning = openLearning(settings, before);
      } catch (error) {
        log.warn('what was learned of new images cannot be read: it begins anew', {
          file: learningFile(config()),
          reason: messageOf(error),
        });
      }
    },
    close: () => file.close(),
  };
}
