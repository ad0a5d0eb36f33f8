import type { Ancestor, ExecEvent } from '../../src/model/exec-event.ts';
import type { Finding, Severity } from '../../src/model/finding.ts';

/** An exec in container `c…`, as a test needs it: command line, pid, chain of (pid, command line) nearest first. */
export function execEvent(
  command: string,
  options: { pid?: number; above?: [number, string][]; time?: string; container?: string; cwd?: string } = {},
): ExecEvent {
  const argv = command.split(' ');
  const ancestors: Ancestor[] = (options.above ?? []).map(([pid, text]) => ({
    argv: text.split(' '),
    binary: text.split(' ')[0]!,
    argv_quality: 'exact',
    argv0_known: false,
    pid,
    place: 'container',
    from: 'sensor',
  }));
  return {
    id: `test:${options.container ?? 'c'}:${options.pid ?? 1}:${options.time ?? ''}:${command}`,
    time: options.time ?? '2026-01-02T03:04:05.000000000Z',
    sensor: 'tetragon',
    source: 'test',
    container: { id: (options.container ?? 'c').repeat(64).slice(0, 64), name: 'web' },
    process: {
      binary: argv[0]!,
      argv,
      argv_quality: 'exact',
      argv0_known: false,
      pid: options.pid ?? 1,
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    },
    ancestors,
  };
}

/** A finding for an event, with indicators by id. */
export function findingFor(
  event: ExecEvent,
  severity: Severity,
  tool: string,
  indicators: string[] = [],
): Finding {
  return {
    schema: 'lanner.finding/v1',
    id: `f-${event.id}`,
    revision: 1,
    time: event.time,
    severity,
    score: 50,
    title: `${tool} executed`,
    tool,
    category: 'test',
    why: [],
    indicators: indicators.map((id) => ({ id, points: 10, hard: false, evidence: '', why: '', mitre: [] })),
    mitre: [],
    triage: [],
    exec: event,
  };
}
