import { loadConfig } from '../config.ts';
import { askControl } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import type { ReloadReport } from '../service/reload.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * `lanner reload`: the running Lanner reads its configuration again, and what became of it is shown. Ends with
 * `config` where it was refused. Throws LannerError `socket_missing` if none runs.
 */
export async function reload(
  configFile: string,
  json: boolean,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const path = controlSocket(stateDirectory(loadConfig(configFile)));
  const reply = await askControl(path, 'reload');
  if (reply === undefined)
    throw new LannerError(
      'socket_missing',
      `no Lanner runs that listens at ${path}`,
      'Start one, or check state_dir if one should run: it is found by the state_dir in this file.',
    );
  const report = reply.value as ReloadReport;
  write(json ? `${JSON.stringify(report)}\n` : `${linesOf(report).join('\n')}\n`);
  return report.outcome === 'refused' ? exitCodes.config.code : exitCodes.ok.code;
}

function linesOf(report: ReloadReport): string[] {
  switch (report.outcome) {
    case 'stopping':
      return ['that Lanner is stopping: nothing was read'];
    case 'refused':
      return [`refused, the configuration before stays in force [${report.code}]`, report.why, report.mend];
    case 'unchanged':
      return ['read again: it is the one in force', ...restartLine(report.restart_needed)];
    case 'applied': {
      const { tried_on, newly_fire, no_longer_fire, changed_severity, changed_sinks, history } = report.would;
      const { keys, ...parts } = report.changes;
      const names = Object.entries(parts).flatMap(([part, changes]) =>
        Object.entries(changes as Record<string, string[]>).map(
          ([what, list]) => `${part} ${what}: ${list.join(', ')}`,
        ),
      );
      return [
        `taken over: ${[keys.join(', '), ...names].filter((text) => text !== '').join('; ')}`,
        history === undefined
          ? `of the newest ${tried_on} findings and missed execs, ${no_longer_fire} would not fire any more, ${newly_fire} would fire newly, ${changed_severity} with another severity, ${changed_sinks} to other sinks`
          : `tried on nothing of the history: ${history}`,
        ...restartLine(report.restart_needed),
      ];
    }
  }
}

function restartLine(keys: readonly string[]): string[] {
  return keys.length === 0 ? [] : [`applied by a restart only: ${keys.join(', ')}`];
}
