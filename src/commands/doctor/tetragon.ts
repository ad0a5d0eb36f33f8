import { canaryArguments, canarySign } from '../../canary/program.ts';
import { holdingClock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { hidesCanary } from '../../sources/canary-sight.ts';
import { openSource, type SourceConfig } from '../../sources/index.ts';
import { messageFromJson } from '../../sources/tetragon/json.ts';
import { decodeMessage } from '../../sources/tetragon/message.ts';
import { silentLog } from '../../telemetry/log.ts';
import { idleIntake } from '../record.ts';
import { type Check, type Checkup, error, ok, type Result, skipped, sourcesOf, warn } from './check.ts';

/** Agents before this do not know the filter for containers, and send every exec of the host. */
const knowsContainers = [1, 3] as const;
/** Agents before this tell no ancestors above the parent, whatever they are told. */
const knowsAncestors = [1, 4] as const;
const lookMs = 20;

/**
 * Connects as `run` does, with the same filters, and looks whether the sensor reports a program start of our own,
 * whether or not the configuration has canaries on. An agent serves any number of clients: nothing is taken from
 * others.
 */
export const tetragon: Check = {
  id: 'tetragon',
  async run(checkup) {
    const { config } = checkup;
    const chosen = [...sourcesOf(config, 'tetragon'), ...sourcesOf(config, 'tetragon_file')];
    return (await Promise.all(chosen.map(([name, one]) => look(name, one, checkup)))).flat();
  },
};

async function look(name: string, config: SourceConfig, checkup: Checkup): Promise<Result[]> {
  const about = `source ${name}`;
  const abort = new AbortController();
  const sight = openSight();
  const source = openSource(name, config, {
    log: silentLog,
    canary: canarySign(),
    tap: (message, shape) => sight.see(message, shape),
  });
  const done = source.run(idleIntake(), abort.signal);
  try {
    await until(() => ['ok', 'degraded'].includes(source.health().state), checkup.timeoutMs);
    const { state, reason, code, sensor_version } = source.health();
    if (state !== 'ok') {
      // A reason brings its mend along.
      const silent = error(
        about,
        `no answer within ${checkup.timeoutMs / 1000} s`,
        'Does it run, and listen there?',
      );
      if (reason === undefined) return [silent];
      return [{ status: 'error', about, text: reason, ...(code !== undefined && { code }) }];
    }
    const place =
      config.type === 'tetragon_file' ? `${config.path} is readable` : `Tetragon ${sensor_version} answers`;
    return [ok(about, place), ...ageOf(about, sensor_version), await coverage(about, config, sight, checkup)];
  } finally {
    abort.abort();
    await done;
  }
}

function ageOf(about: string, version: string | undefined): Result[] {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (major === undefined || minor === undefined) return [];
  const before = (than: readonly [number, number]) =>
    Number(major) < than[0] || (Number(major) === than[0] && Number(minor) < than[1]);
  if (before(knowsContainers))
    return [
      warn(
        about,
        `${version} ignores the filter for containers and sends every exec of the host`,
        'Update Tetragon: from 1.3 on it sends a fraction.',
      ),
    ];
  if (before(knowsAncestors))
    return [
      warn(
        about,
        `${version} tells no ancestors above the parent: Lanner rebuilds what it has seen itself`,
        'Update Tetragon to 1.4 or later.',
      ),
    ];
  return [];
}

/** What was reported of the programs we ran. */
interface Sight {
  see(message: Buffer, shape: 'frames' | 'lines'): void;
  run(act: Checkup['runCanary'], signal: AbortSignal): Promise<void>;
  /** When it arrived, and the sensor's time of the start; both in epoch milliseconds. */
  found(): { arrived_ms: number; ran_ms: number; event_ms: number } | undefined;
}

function openSight(): Sight {
  const runs = new Map<string, number>();
  let found: ReturnType<Sight['found']>;
  return {
    see(message, shape) {
      const args = [...runs.keys()].find((text) => message.includes(text));
      if (args === undefined || found !== undefined) return;
      const decoded = shape === 'frames' ? decodeMessage(message) : messageFromJson(message.toString());
      const event_ms = Date.parse(decoded.process_exec?.process?.start_time ?? '');
      found = { arrived_ms: Date.now(), ran_ms: runs.get(args)!, event_ms };
    },
    async run(act, signal) {
      const args = canaryArguments();
      runs.set(args.join(' '), Date.now());
      await act(args, signal);
    },
    found: () => found,
  };
}

/** Runs some, since the agent may open the stream a moment after it has accepted the request. */
async function coverage(
  about: string,
  config: SourceConfig,
  sight: Sight,
  checkup: Checkup,
): Promise<Result> {
  const abort = new AbortController();
  const tries = 3;
  try {
    for (let left = tries; left > 0 && sight.found() === undefined; left -= 1) {
      await sight.run(checkup.runCanary, abort.signal);
      await until(() => sight.found() !== undefined, checkup.timeoutMs / tries);
    }
  } catch (trouble) {
    return skipped(about, `no program could be started to see whether it is reported: ${messageOf(trouble)}`);
  }
  const seen = sight.found();
  if (seen !== undefined) {
    // What the start itself took is no skew: the event lies between the run and its arrival, or the clocks differ.
    const skew =
      seen.event_ms < seen.ran_ms
        ? seen.event_ms - seen.ran_ms
        : Math.max(0, seen.event_ms - seen.arrived_ms);
    if (!Number.isNaN(skew)) checkup.clocks.push({ of: about, skew_ms: skew });
    return ok(about, `reports a program start of this host after ${seen.arrived_ms - seen.ran_ms} ms`);
  }
  const hidden = hidesCanary(config, canarySign());
  const text = `reported no program start of this host within ${checkup.timeoutMs / 1000} s`;
  if (hidden !== undefined) return skipped(about, `${text}; that may be meant: ${hidden}`);
  return error(
    about,
    text,
    'The agent answers and does not see: look at its log, and at tetragon_bpf_missed_events_total.',
  );
}

async function until(isTrue: () => boolean, ms: number): Promise<void> {
  const end = Date.now() + ms;
  const never = new AbortController().signal;
  while (!isTrue() && Date.now() < end) await pause(holdingClock, lookMs, never);
}
