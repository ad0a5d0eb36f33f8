import type { Config } from '../../config.ts';
import { askControl } from '../../http/control.ts';
import type { HealthReport } from '../../http/server.ts';
import { messageOf } from '../../lib/errors.ts';
import type { DelivererStatus } from '../../model/delivery.ts';
import { controlSocket, stateDirectory } from '../../service/places.ts';
import { ask, targetOf } from '../ask.ts';
import { type Check, error, ok, type Result, skipped, warn } from './check.ts';

/** A Lanner that runs by the configuration: what it says of itself. */
export interface Running {
  /** From its control socket; absent: it did not answer there. */
  status?: DelivererStatus;
  /** From its HTTP; absent: it did not answer there. */
  health?: HealthReport;
  /** Why one of them did not answer. */
  reasons: string[];
}

/** Undefined if none runs. Never rejects. */
export async function findRunning(config: Config, timeoutMs: number): Promise<Running | undefined> {
  const reasons: string[] = [];
  let listens = false;
  const status = await askControl(
    controlSocket(stateDirectory(config)),
    'status',
    undefined,
    timeoutMs,
  ).catch((trouble: unknown) => {
    // Something is there: it hangs, or it is another user's.
    listens = true;
    reasons.push(messageOf(trouble));
    return undefined;
  });
  const health = config.http.enabled ? await healthOf(config, timeoutMs, reasons) : undefined;
  if (status === undefined && health === undefined && !listens) return undefined;
  return {
    ...(status !== undefined && { status: status.value as DelivererStatus }),
    ...(health !== undefined && { health }),
    reasons,
  };
}

async function healthOf(
  config: Config,
  timeoutMs: number,
  reasons: string[],
): Promise<HealthReport | undefined> {
  try {
    const { body } = await ask(targetOf(config.http), '/healthz', timeoutMs);
    const read = JSON.parse(body) as Partial<HealthReport>;
    if (Array.isArray(read.sources) && Array.isArray(read.reasons)) return read as HealthReport;
    throw new Error(`${config.http.listen} answers, and not as Lanner does`);
  } catch (trouble) {
    reasons.push(messageOf(trouble));
    return undefined;
  }
}

export const running: Check = {
  id: 'running',
  run({ running: one }) {
    if (one === undefined) return [skipped('lanner', 'none runs by this configuration')];
    const { health, status, reasons } = one;
    if (health === undefined && status === undefined)
      return [
        warn(
          'lanner',
          `its control socket is there and gives no answer: ${reasons.join('; ')}`,
          'Run the doctor as the user that Lanner runs as; if it hangs, look at its log and restart it.',
        ),
      ];
    const results: Result[] = [];
    if (health !== undefined) {
      const what = `${health.version} runs and is ${health.status}`;
      results.push(
        health.status === 'ok'
          ? ok('lanner', what)
          : warn(
              'lanner',
              `${what}: ${health.reasons.join('; ')}`,
              'Mend what it names; `lanner health` shows it too.',
            ),
      );
    } else results.push(ok('lanner', 'runs (its HTTP did not answer)'));
    for (const canary of health?.canary ?? [])
      results.push(
        canary.state === 'blind'
          ? error(
              `source ${canary.source}`,
              `blind: ${canary.reason}`,
              'See deploy/monitoring/runbook.md, LannerSensorBlind.',
            )
          : ok(
              `source ${canary.source}`,
              `canary ${canary.state}${canary.delay_ms === undefined ? '' : ` after ${canary.delay_ms} ms, ${canary.last_seen}`}`,
            ),
      );
    for (const { name, waiting, dead } of status?.sinks ?? [])
      if (dead > 0)
        results.push(
          warn(
            `sink ${name}`,
            `${dead} dead letters since its start, ${waiting} waiting`,
            '`lanner spool list` shows why; mend it, then `lanner spool retry --all`.',
          ),
        );
    return results;
  },
};
