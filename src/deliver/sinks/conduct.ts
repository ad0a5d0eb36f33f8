import type { SinkConduct } from '../../model/delivery.ts';
import type { BatchOptions, ConductOptions } from './http/options.ts';

/** What a sink without a word of its own is treated like. */
export const defaultConduct: SinkConduct = {
  concurrency: 8,
  retry_initial_ms: 1_000,
  retry_max_ms: 7_200_000,
  max_age_ms: 72 * 3_600_000,
  breaker_failures: 5,
  lease_ms: 60_000,
};

/** The dispatcher's view of a sink's configuration. The lease outlasts the sink's own deadline. */
export function conductOf(
  config: ConductOptions & { batch?: Omit<BatchOptions, 'form'> | undefined },
  timeout_secs: number,
): Partial<SinkConduct> {
  const { batch } = config;
  return {
    ...(batch
      ? {
          batch: {
            max_count: batch.max_count,
            max_bytes: batch.max_bytes,
            max_wait_ms: batch.max_wait_secs * 1000,
          },
        }
      : {}),
    concurrency: config.concurrency,
    retry_initial_ms: config.retry_initial_secs * 1000,
    retry_max_ms: config.retry_max_secs * 1000,
    max_age_ms: config.max_age_hours * 3_600_000,
    lease_ms: timeout_secs * 1000 + 10_000,
  };
}
