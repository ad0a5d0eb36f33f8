import type { Config } from '../config.ts';
import type { PipelineParts } from '../pipeline.ts';
import { openChains } from '../state/chains.ts';
import { openFolds } from '../state/fold.ts';
import { ProcessTable } from '../state/process-table.ts';
import { RecentExecs } from '../state/recent.ts';
import { seenBefore } from '../state/seen.ts';

/**
 * What is remembered; without `state` each event is judged by itself, ancestors and context excepted.
 * `onContainer` hears each container's first exec.
 */
export function openMemory(
  config: Config,
  state: boolean,
  onContainer?: (id: string) => void,
): Pick<PipelineParts, 'processes' | 'recent' | 'state'> {
  const { processes, state: bounds } = config;
  return {
    processes: new ProcessTable({ maxBytes: processes.max_bytes, maxEntries: processes.max_entries }),
    recent: new RecentExecs({
      containers: bounds.context_containers,
      slots: bounds.context_execs,
      ...(onContainer !== undefined && { onContainer }),
    }),
    // Zero switches a part off.
    ...(state && {
      state: {
        ...(bounds.seen_secs > 0 &&
          bounds.seen_entries > 0 && {
            seen: seenBefore({ maxEntries: bounds.seen_entries, ttlSeconds: bounds.seen_secs }),
          }),
        ...(bounds.chain_secs > 0 && { chains: openChains({ windowSeconds: bounds.chain_secs }) }),
        ...(bounds.fold_secs > 0 && { folds: openFolds({ windowSeconds: bounds.fold_secs }) }),
      },
    }),
  };
}
