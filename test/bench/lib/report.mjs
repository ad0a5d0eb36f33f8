// Rows of a goals table, the facts of the machine, and how both are printed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { spread } from './measure.mjs';

/** Of the same round each: what Lanner needed over what the other needed. */
export const ratios = (mine, others, key = 'cpu_us') => spread(mine.map((one, at) => one[key] / others[at][key]));

/**
 * A row: `goal` in words, `measured` a spread, `unit`, and the aim: `most` or `least`, `stretch` beyond. Without
 * an aim it is told alongside. `detail`: the figures behind it.
 */
export function row({ goal, measured, unit = '×', most, least, stretch, detail = '' }) {
  const { median } = measured;
  const reached = (aim) => (aim === undefined ? undefined : least === undefined ? median <= aim : median >= aim);
  return { goal, measured, unit, aim: most ?? least, direction: least === undefined ? '≤' : '≥', stretch, met: reached(most ?? least), stretch_met: reached(stretch), detail };
}

export const skipped = (goal, reason) => ({ goal, skipped: reason });

export function machine() {
  let go;
  try {
    go = execFileSync('go', ['version'], { encoding: 'utf8' }).trim();
  } catch {}
  return {
    cpu: cpus()[0]?.model ?? '?', cores: cpus().length, memory_gb: Math.round(totalmem() / 2 ** 30), kernel: release(), node: process.version, go,
    load: loadavg().map((one) => Number(one.toFixed(2))), lanner: readVersion(), date: new Date().toISOString(),
  };
}

function readVersion() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version;
  }
}

export function figure(value) {
  const size = Math.abs(value);
  if (size >= 10_000) return Math.round(value).toLocaleString('en-US');
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}
export const told = ({ median, min, max }, unit = '') => `${figure(median)}${unit} [${figure(min)}–${figure(max)}]`;

const line = (cells) => `| ${cells.join(' | ')} |\n`;

export function goalsTable(rows) {
  const verdict = ({ met, stretch_met }) => (met === undefined ? '' : stretch_met ? 'yes, stretch too' : met ? 'yes' : '**no**');
  return (
    line(['goal', 'measured, median [range]', 'aim (stretch)', 'met', 'behind it']) +
    line(['---', '---', '---', '---', '---']) +
    rows
      .map((one) => {
        if (one.skipped !== undefined) return line([one.goal, `skipped: ${one.skipped}`, '', '', '']);
        const { measured, unit, aim, direction, stretch } = one;
        const aimed = aim === undefined ? '' : `${direction} ${aim}${stretch === undefined ? '' : ` (${stretch})`} ${unit}`;
        return line([one.goal, `${told(measured)} ${unit}`, aimed, verdict(one), one.detail]);
      })
      .join('')
  );
}

export function factsLine(facts, rounds) {
  return `${facts.cores} × ${facts.cpu}, ${facts.memory_gb} GB, Linux ${facts.kernel}, Node ${facts.node}${facts.go === undefined ? '' : `, ${facts.go.split(' ')[2]}`}, load ${facts.load.join(' ')} at the end; ${rounds} interleaved rounds; Lanner ${facts.lanner}, ${facts.date.slice(0, 10)}\n`;
}
