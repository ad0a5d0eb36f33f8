import { statSync } from 'node:fs';

/** How far long work is: a line on a terminal, drawn a few times a second. */
export interface Progress {
  /** So many bytes of this file were read; fewer than before: it is read once more. */
  at(file: string, bytes: number): void;
  /** One more event, finding or case is through. */
  step(): void;
  /** Takes the line away. To be called however the work ends. */
  done(): void;
}

/** A terminal, as process.stderr is one. */
export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ProgressOptions {
  /** What is read, a file that is read twice twice; where no size can be had (standard input) there is no bar. */
  files?: readonly string[];
  /** Instead of files: how far `at` will count. */
  total?: number;
  /** What is counted: `events`, `findings`. */
  unit: string;
  terminal: Terminal | undefined;
  /** Milliseconds of any beginning. */
  now?: () => number;
}

const EVERY_MS = 200;
/** So seldom is the clock asked. */
const EVERY_STEPS = 256;
const WIDTH = 25;
const CLEAR = '\r\u001b[K';

/** Where a person waits: standard error is a terminal, and the output is not made for a tool that reads a pipe. */
export function progressTerminal(
  json: boolean,
  { stderr, stdout }: { stderr: Terminal; stdout: { isTTY?: boolean } } = process,
): Terminal | undefined {
  return stderr.isTTY === true && (!json || stdout.isTTY === true) ? stderr : undefined;
}

/** Draws nothing without a terminal. */
export function openProgress({ files = [], unit, terminal, now, ...given }: ProgressOptions): Progress {
  if (terminal === undefined) return { at() {}, step() {}, done() {} };
  const clock = now ?? (() => performance.now());
  const total = given.total ?? sum(files.map(sizeOf));
  const began = clock();
  let drawn = Number.NEGATIVE_INFINITY;
  let steps = 0;
  /** Of readings that are over, and by file of the one under way. */
  let before = 0;
  const seen = new Map<string, number>();

  function draw(): void {
    const time = clock();
    if (time - drawn < EVERY_MS) return;
    drawn = time;
    const read = before + sum(seen.values());
    const line = lineOf({ read, total, steps, unit, seconds: (time - began) / 1000 });
    terminal?.write(`${CLEAR}${line.slice(0, (terminal.columns ?? 80) - 1)}`);
  }

  return {
    at(file, bytes) {
      const last = seen.get(file) ?? 0;
      if (bytes < last) before += last;
      seen.set(file, bytes);
      draw();
    },
    step() {
      steps += 1;
      if (steps % EVERY_STEPS === 0) draw();
    },
    done() {
      if (drawn !== Number.NEGATIVE_INFINITY) terminal.write(CLEAR);
    },
  };
}

interface State {
  read: number;
  total: number;
  steps: number;
  unit: string;
  seconds: number;
}

function lineOf({ read, total, steps, unit, seconds }: State): string {
  const many = `${steps.toLocaleString('en-US')} ${unit}`;
  const rate =
    steps === 0 || seconds <= 0 ? '' : `  ${Math.round(steps / seconds).toLocaleString('en-US')}/s`;
  if (total === 0) return `${many}${rate}`;
  const share = Math.min(1, read / total);
  const filled = Math.round(share * WIDTH);
  const left = share > 0.01 ? `  ${clockOf((seconds / share) * (1 - share))} left` : '';
  return `[${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %  ${many}${rate}${left}`;
}

/** `0:07`, `1:02:03`. */
function clockOf(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function sum(values: Iterable<number>): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}

/** Whoever reads the file says what is wrong with it. */
function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
