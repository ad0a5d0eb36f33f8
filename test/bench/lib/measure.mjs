// What is read off a process from outside, and medians.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** User and system CPU of all threads, in milliseconds (/proc, nanoseconds inside). */
export function cpuOf(pid) {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    }
  return total / 1e6;
}

/** Of the main thread alone. */
export function mainCpuOf(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** Resident memory now and its peak, in MB. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** CPU in 25 ms below which a process rests; a profiler keeps its own busy. */
const RESTING_MS = process.argv.includes('--profile') ? 3 : 0.5;

/** Waits until the process has had nothing to do for 100 ms; a busy machine needs the longer look. */
export async function quiet(pid, ms = 100) {
  for (let before = cpuOf(pid), still = 0; still < ms; ) {
    await sleep(25);
    const after = cpuOf(pid);
    still = after - before < RESTING_MS ? still + 25 : 0;
    before = after;
  }
}

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length % 2 === 1 ? sorted[sorted.length >> 1] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
};

/** Median and range of one figure. */
export const spread = (values) => ({ median: median(values), min: Math.min(...values), max: Math.max(...values), n: values.length });

/** The value below which this share of them lies. */
export const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

export { sleep };
