import type { ExecEvent } from '../model/exec-event.ts';
import type { ToolUse } from '../model/finding.ts';
import type { Interest, StateFacts } from '../model/intake.ts';

/**
 * Download → chmod → exec in one container. The early test lets through what continues a chain: chmod, and
 * execs of a path that was lately downloaded. Time is event time, with room for disorder.
 */
export interface Chains {
  /** What earlier steps this event continues; undefined if it continues none. */
  before(event: ExecEvent, seconds: number): StateFacts['chain'];
  /** A judged event wrote these files. */
  downloaded(event: ExecEvent, use: ToolUse, seconds: number): void;
  /** The early test, widened by what chains wait for. */
  widen(interest: Interest): Interest;
}

type Step = NonNullable<StateFacts['chain']>[number];

interface Watched {
  container: string;
  path: string;
  steps: Step[];
  last: number;
}

const chmodName = /(?:^|\/)chmod$/;

export function openChains(options: { windowSeconds?: number; maxPaths?: number } = {}): Chains {
  const window = options.windowSeconds ?? 300;
  const maxPaths = options.maxPaths ?? 1024;
  const watched = new Map<string, Watched>();
  /** Base names of watched paths, for the early test: it may say yes too often. */
  const names = new Map<string, number>();

  function forget(key: string): void {
    const entry = watched.get(key);
    if (entry === undefined) return;
    watched.delete(key);
    const name = baseName(entry.path);
    const left = (names.get(name) ?? 1) - 1;
    if (left > 0) names.set(name, left);
    else names.delete(name);
  }

  function keyOf(container: string, path: string): string {
    return `${container}\u0000${path}`;
  }

  function lookup(container: string, path: string, seconds: number): Watched | undefined {
    const entry = watched.get(keyOf(container, path));
    if (entry === undefined || Math.abs(seconds - entry.last) > window) return undefined;
    return entry;
  }

  return {
    before(event, seconds) {
      const container = event.container?.id.slice(0, 12);
      if (container === undefined || watched.size === 0) return undefined;
      const binary = event.process.binary ?? event.process.exe ?? '';
      const run = lookup(container, normalize(binary, event.process.cwd), seconds);
      if (run !== undefined) return run.steps;
      for (const word of event.process.argv.slice(1, 12)) {
        const named = lookup(container, normalize(word, event.process.cwd), seconds);
        if (named === undefined) continue;
        if (!chmodName.test(binary)) return named.steps;
        named.last = Math.max(named.last, seconds);
        if (named.steps.every((step) => step.step !== 'chmod'))
          named.steps.push({ step: 'chmod', text: commandLine(event), time: event.time, path: named.path });
        return undefined;
      }
      return undefined;
    },
    downloaded(event, use, seconds) {
      const container = event.container?.id.slice(0, 12);
      if (container === undefined) return;
      for (const download of use.downloads.slice(0, 16)) {
        const path = download.path;
        if (!path.startsWith('/') || path.endsWith('/')) continue;
        const key = keyOf(container, path);
        forget(key);
        watched.set(key, {
          container,
          path,
          steps: [{ step: 'download', text: commandLine(event), time: event.time, path }],
          last: seconds,
        });
        names.set(baseName(path), (names.get(baseName(path)) ?? 0) + 1);
        if (watched.size > maxPaths) forget(watched.keys().next().value!);
      }
    },
    widen(interest) {
      return {
        text: (bytes, start, end) => interest.text(bytes, start, end),
        path(bytes, start, end) {
          if (interest.path(bytes, start, end)) return true;
          return watched.size > 0 && waitsFor(bytes, start, end);
        },
        exec(bytes, pathStart, pathEnd, textStart, textEnd) {
          if (interest.exec(bytes, pathStart, pathEnd, textStart, textEnd)) return true;
          return watched.size > 0 && waitsFor(bytes, pathStart, pathEnd);
        },
      };
    },
  };

  function waitsFor(bytes: Uint8Array, start: number, end: number): boolean {
    let from = end;
    while (from > start && bytes[from - 1] !== 47) from -= 1;
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('utf8');
    return name === 'chmod' || names.has(name);
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function normalize(path: string, cwd: string | undefined): string {
  const whole = path.startsWith('/') ? path : `${cwd ?? ''}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function commandLine(event: ExecEvent): string {
  return event.process.argv.join(' ').slice(0, 512);
}
