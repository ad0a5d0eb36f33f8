import type { Config } from '../config.ts';
import type { ConfigHealth } from '../http/server.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { ReplayDiff } from '../route/outcome-diff.ts';
import type { ReloadCause, ReloadEvents } from '../telemetry/reload-events.ts';
import { type ConfigFile, hashOf } from './config-file.ts';
import { dryRun, type KeptExec } from './dry-run.ts';
import type { Judging } from './judging.ts';
import { changedKeys, withoutRestart } from './restart.ts';

/** A configuration whose parts are built, and nothing of it in force. */
export interface Prepared {
  judging: Judging;
  /** What differs, for the log. */
  changes: Record<string, unknown>;
  /** Is not undone: throws only on a bug. Fulfilled when all of it is in force. */
  commit(): Promise<void>;
  /** Gives back what was opened for it. */
  discard(): Promise<void>;
}

export interface ReloadParts {
  file: ConfigFile;
  running: () => { config: Config; judging: Judging };
  /** Builds all that a configuration asks for and touches nothing that runs. Rejects with what is wrong. */
  prepare(config: Config): Promise<Prepared>;
  /** The newest of the history, of each kind so many; rejects if it cannot be read. */
  newest(count: number): Promise<KeptExec[]>;
  events: ReloadEvents;
  /** Epoch milliseconds. */
  now: () => number;
}

/** What became of one reading. */
export type ReloadReport =
  | {
      outcome: 'applied';
      changes: { keys: string[]; [part: string]: unknown };
      would: DryRunCounts;
      restart_needed: string[];
    }
  | { outcome: 'unchanged'; restart_needed: string[] }
  | { outcome: 'refused'; code: string; why: string; mend: string }
  | { outcome: 'stopping' };

/** What the new configuration tells otherwise of the findings it was tried on. */
export interface DryRunCounts {
  tried_on: number;
  newly_fire: number;
  no_longer_fire: number;
  changed_severity: number;
  changed_sinks: number;
  /** Why nothing was tried. */
  history?: string;
}

export interface Reloads {
  /** One at a time; those that are asked for while one is under way are answered by one more after it. */
  reload(cause: ReloadCause): Promise<ReloadReport>;
  health(): ConfigHealth;
  /** No more of them. Fulfilled when the one under way has ended. */
  close(): Promise<void>;
}

export function openReloads(parts: ReloadParts): Reloads {
  const { file, events, now } = parts;
  let closed = false;
  let current: Promise<ReloadReport> | undefined;
  let waiting: Promise<ReloadReport> | undefined;
  /** The configuration as it was wanted last; of its restart-only keys some may not be in force. */
  let wanted = parts.running().config;
  let state: ConfigHealth = { hash: hashOf(file.files()), since: time(), restart_needed: [] };
  events.inForce(state.hash, now(), []);

  function time(): string {
    return new Date(now()).toISOString();
  }

  async function once(cause: ReloadCause): Promise<ReloadReport> {
    if (closed) return { outcome: 'stopping' };
    try {
      return await attempt(cause);
    } catch (error) {
      return refuse(cause, error);
    }
  }

  async function attempt(cause: ReloadCause): Promise<ReloadReport> {
    const began = now();
    const read = file.load();
    const { config, needed } = withoutRestart(parts.running().config, read);
    const prepared = await parts.prepare(config);
    const told = { config: hashOf(file.files()), ...(needed.length > 0 && { restart_needed: needed }) };
    const keys = changedKeys(parts.running().config, config);
    if (keys.length === 0 && Object.keys(prepared.changes).length === 0) {
      // Built all the same: what it reads from other files is known to be good.
      await prepared.commit();
      accept(read, needed);
      events.unchanged(cause, told);
      return { outcome: 'unchanged', restart_needed: needed };
    }
    let would: DryRunCounts;
    try {
      would = await tryOut(config, prepared.judging);
    } catch (error) {
      await prepared.discard();
      throw error;
    }
    await prepared.commit();
    accept(read, needed);
    const changes = { keys, ...prepared.changes };
    events.applied(cause, { ...told, changes, would, took_ms: now() - began });
    return { outcome: 'applied', changes, would, restart_needed: needed };
  }

  async function tryOut(config: Config, judging: Judging): Promise<DryRunCounts> {
    let findings: KeptExec[] = [];
    let history: string | undefined;
    try {
      findings = await parts.newest(config.reload.findings);
    } catch (error) {
      // Whatever ails the history must not keep a mended configuration out.
      history = `it cannot be read: ${messageOf(error)}`;
    }
    const diff = await dryRun(findings, parts.running().judging, judging);
    return { tried_on: findings.length, ...countsOf(diff), ...(history !== undefined && { history }) };
  }

  function accept(read: Config, needed: string[]): void {
    const hash = hashOf(file.files());
    const since = changedKeys(wanted, read).length === 0 ? state.since : time();
    wanted = read;
    state = { hash, since, restart_needed: needed };
    events.inForce(hash, now(), needed);
  }

  function refuse(cause: ReloadCause, error: unknown): ReloadReport {
    const { code, mend } =
      error instanceof LannerError
        ? error
        : { code: 'config_invalid', mend: 'This is a bug in Lanner: report it with the configuration.' };
    const why = shortened(messageOf(error), 20, '\n');
    state = { ...state, refused: { at: time(), code, why: shortened(why, 3, '; ') } };
    events.refused(cause, now(), { code, why, mend });
    return { outcome: 'refused', code, why, mend };
  }

  return {
    reload(cause) {
      if (current === undefined) {
        current = once(cause).finally(() => {
          current = undefined;
        });
        return current;
      }
      waiting ??= current.then(() => {
        waiting = undefined;
        return this.reload(cause);
      });
      return waiting;
    },
    health: () => state,
    async close() {
      closed = true;
      await current;
    },
  };
}

function countsOf(diff: ReplayDiff): Omit<DryRunCounts, 'tried_on'> {
  return {
    newly_fire: diff.newly_fires.length,
    no_longer_fire: diff.no_longer_fires.length,
    changed_severity: diff.changed_severity.length,
    changed_sinks: diff.changed_destination.length,
  };
}

/** Names by what happens to them; empty where nothing does. */
export function changesOf(
  parts: Record<string, { added: string[]; changed: string[]; removed: string[] }>,
): Record<string, unknown> {
  const told = Object.entries(parts).map(([part, { added, changed, removed }]) => [
    part,
    Object.fromEntries(Object.entries({ added, changed, removed }).filter(([, names]) => names.length > 0)),
  ]);
  return Object.fromEntries(told.filter(([, names]) => Object.keys(names as object).length > 0));
}

/** Of many problems the first, and of each what fits a line: a file may hold anything. */
function shortened(why: string, most: number, between: string): string {
  const lines = why.split('\n');
  const shown = lines.slice(0, most).map((line) => (line.length > 500 ? `${line.slice(0, 500)}…` : line));
  return [...shown, ...(lines.length > most ? [`and ${lines.length - most} more`] : [])].join(between);
}
