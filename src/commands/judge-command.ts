import { once } from 'node:events';
import { createDetector } from '../detect/index.ts';
import { openChains } from '../state/chains.ts';
import { ProcessTable } from '../state/process-table.ts';
import { seenBefore } from '../state/seen.ts';
import { configOrDefaults } from './defaults.ts';
import { exitCodes } from './exit-codes.ts';
import { type JudgeForm, type JudgeParts, judgeFile } from './judge.ts';

export interface JudgeFlags {
  form?: JudgeForm;
  config?: string;
  state?: boolean;
}

/** One JSON line out for each line in; what it cost goes to standard error. */
export async function judgeCommand(file: string, flags: JudgeFlags): Promise<number> {
  const config = configOrDefaults(flags.config);
  const parts: JudgeParts = {
    detector: createDetector(config.detect),
    ...(flags.state && {
      state: {
        processes: new ProcessTable({
          maxBytes: config.processes.max_bytes,
          maxEntries: config.processes.max_entries,
        }),
        seen: seenBefore({ maxEntries: config.state.seen_entries, ttlSeconds: config.state.seen_secs }),
        chains: openChains({ windowSeconds: config.state.chain_secs }),
      },
    }),
  };
  const { lines, errors, nanos } = await judgeFile(file, flags.form, parts, (judgement) =>
    process.stdout.write(`${JSON.stringify(judgement)}\n`)
      ? undefined
      : once(process.stdout, 'drain').then(() => undefined),
  );
  const each = lines === 0 ? 0 : nanos / lines / 1000;
  process.stderr.write(
    `${lines} lines, ${errors} unreadable, ${each.toFixed(1)} µs per event (read, normalized, judged)\n`,
  );
  return exitCodes.ok.code;
}
