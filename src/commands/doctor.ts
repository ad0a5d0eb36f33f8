import { runCanary } from '../canary/program.ts';
import { loadConfig } from '../config.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { type Check, type Checkup, error, type Result, type Status } from './doctor/check.ts';
import { checks } from './doctor/index.ts';
import { findRunning } from './doctor/running.ts';
import { exitCodes } from './exit-codes.ts';
import { hostAt } from './host/host.ts';
import { type Paint, paintFor, printable, type Style } from './terminal.ts';

export interface DoctorFlags {
  config: string;
  json: boolean;
  /** Seconds. */
  timeout: string;
  root: string;
}

export interface DoctorDeps {
  env?: Readonly<Record<string, string | undefined>>;
  now?: () => number;
  write?: (text: string) => void;
  runCanary?: Checkup['runCanary'];
  /** Default: all. */
  checks?: readonly Check[];
}

/**
 * `lanner doctor`: everything that Lanner needs is tried, and nothing changed or sent. 0 without an error, warnings
 * or not; 1 with one. Throws LannerError `usage`, and for a configuration that cannot be used.
 */
export async function doctor(flags: DoctorFlags, deps: DoctorDeps = {}): Promise<number> {
  const timeoutMs = Number(flags.timeout) * 1000;
  if (!(timeoutMs > 0)) throw new LannerError('usage', '--timeout must be above 0', 'Give seconds.');
  const env = deps.env ?? process.env;
  const config = loadConfig(flags.config, env);
  const checkup: Checkup = {
    config,
    file: flags.config,
    host: hostAt(flags.root),
    own: hostAt(),
    env,
    timeoutMs,
    now: deps.now ?? Date.now,
    running: await findRunning(config, timeoutMs),
    runCanary: deps.runCanary ?? runCanary,
    clocks: [],
  };
  const write = deps.write ?? ((text: string) => process.stdout.write(text));
  const paint = paintFor(process.stdout, process.env);
  const found: (Result & { check: string })[] = [];
  for (const check of deps.checks ?? checks) {
    for (const result of await runCheck(check, checkup)) {
      found.push({ check: check.id, ...result });
      if (!flags.json) write(lineOf(result, paint));
    }
  }
  const counts = countsOf(found);
  if (flags.json) write(`${JSON.stringify({ results: found, ...counts }, null, 2)}\n`);
  else
    write(
      `${counts.ok} ok, ${many(counts.warn, 'warning')}, ${many(counts.error, 'error')}, ${counts.skipped} skipped\n`,
    );
  return counts.error === 0 ? exitCodes.ok.code : exitCodes.found.code;
}

/** A check that breaks is shown as one, and the others go on. */
async function runCheck(check: Check, checkup: Checkup): Promise<Result[]> {
  try {
    return await check.run(checkup);
  } catch (trouble) {
    if (trouble instanceof LannerError) return [error(check.id, trouble.message, trouble.mend)];
    return [
      error(check.id, `this check broke: ${messageOf(trouble)}`, 'This is a bug in Lanner: report it.'),
    ];
  }
}

function countsOf(found: readonly Result[]): Record<Status, number> {
  const counts = { ok: 0, warn: 0, error: 0, skipped: 0 };
  for (const { status } of found) counts[status] += 1;
  return counts;
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const styles: Record<Status, Style> = { ok: 'green', warn: 'yellow', error: 'red', skipped: 'dim' };

function lineOf({ status, about, text, mend, code }: Result, paint: Paint): string {
  const head = `${paint(styles[status], status.padEnd(7))} ${about.padEnd(16)} ${printable(text, 300)}`;
  const tail = code === undefined ? '' : paint('dim', ` [${code}]`);
  return `${head}${tail}\n${mend === undefined ? '' : `        ${paint('bold', 'mend')} ${printable(mend, 300)}\n`}`;
}
