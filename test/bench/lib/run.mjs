// One measured run: a candidate reads, is warmed up, and then what the same events cost it is read off.
import { cpuOf, mainCpuOf, quiet, sleep } from './measure.mjs';

/** What takes longer than this hangs. */
const LIMIT_MS = 90_000;

/** Rejects when `promise` takes too long, and says what it waited for. */
export function within(promise, what, ms = LIMIT_MS) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done after ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Rests until all was taken; CPU is read before the question is asked, which costs some itself. */
async function settled(candidate, expected) {
  for (let tries = 0; ; tries += 1) {
    await quiet(candidate.pid);
    const read = { cpu: cpuOf(candidate.pid), main: mainCpuOf(candidate.pid) };
    const events = (await candidate.events?.()) ?? expected;
    if (events >= expected) return { ...read, events };
    if (tries > 100) throw new Error(`only ${events} of ${expected} events were taken\n${candidate.said()}`);
    await sleep(50);
  }
}

/**
 * `open()` starts the candidate. Tells CPU and main thread's CPU in µs an event, what was dropped, and the
 * sender's stamps; `after(candidate)` may ask more before it is stopped.
 */
export async function measured({ sender, open, warm, count, rate = 0, after }) {
  sender.expect();
  const candidate = open();
  try {
    return await Promise.race([through(), candidate.failed]);
  } finally {
    await candidate.stop();
  }

  async function through() {
    await within(sender.ready(), 'subscription');
    await within(sender.send(warm), 'warm-up');
    const before = await within(settled(candidate, warm), 'end of warm-up');
    await within(quiet(candidate.pid), 'rest after warm-up');
    const cpu = cpuOf(candidate.pid);
    const main = mainCpuOf(candidate.pid);
    const sent = await within(sender.send(count, rate), 'sending');
    const done = await within(settled(candidate, before.events + count - sent.dropped), 'end of the measured events');
    return {
      cpu_us: ((done.cpu - cpu) * 1000) / count,
      main_us: ((done.main - main) * 1000) / count,
      rate: (count / sent.took_ms) * 1000,
      ...sent,
      ...(await after?.(candidate, sent)),
    };
  }
}

/** Rounds in which all candidates take turns, so that what else the machine does falls on all alike. */
export async function interleaved(rounds, candidates, once) {
  const samples = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, candidate] of Object.entries(candidates)) samples[name].push(await once(candidate, name, round));
  return samples;
}
