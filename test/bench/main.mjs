// What Lanner costs, goal by goal: `npm run bench` (short: does it run, is nothing far off) or `npm run bench:full`.
// `--only NAME,NAME`, `--json`, `--rounds N`, `--long` (10 million events for the memory; sustained with findings too),
// `--svg DIR` (a curve for each axis of growth), `--profile DIR` (a --cpu-prof of each measured process). Candidates run in processes of their own against
// senders and receivers in others, in turns; only ratios of one run travel between machines.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { factsLine, goalsTable, machine, skipped } from './lib/report.mjs';

const names = ['irrelevant', 'end-to-end', 'sustained', 'steady', 'memory', 'start', 'falco-http', 'delivery', 'growth', 'tuning'];
const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    svg: { type: 'string' },
    profile: { type: 'string' },
  },
});
/** What takes minutes for a million is asked for by name. */
const byDefault = flags.full ? names.filter((name) => name !== 'tuning') : names;
const wanted = flags.only?.split(',') ?? byDefault;
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`there is no benchmark ${unknown.join(', ')}. Known: ${names.join(', ')}\n`);
  process.exit(2);
}
const rounds = Number(flags.rounds ?? (flags.full ? 5 : 1));
const folder = mkdtempSync(join(tmpdir(), 'lanner-bench-'));
const profile = flags.profile === undefined ? undefined : resolve(flags.profile);
const svg = flags.svg === undefined ? undefined : resolve(flags.svg);
const context = { folder, full: flags.full, long: flags.long, rounds, profile, svg };
for (const wish of [profile, svg]) if (wish !== undefined) mkdirSync(wish, { recursive: true });
const results = [];
let failed = false;
process.on('SIGINT', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(130);
});
for (const name of wanted) {
  const began = Date.now();
  const { title, run } = await import(`./scenarios/${name}.mjs`);
  process.stderr.write(`${title} …`);
  try {
    results.push({ name, title, ...(await run(context)) });
  } catch (error) {
    failed = true;
    process.stderr.write(`\n${error.stack}\n`);
    results.push({ name, title, rows: [skipped(title, `it failed: ${error.message.split('\n')[0]}`)] });
  }
  process.stderr.write(` ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
}
rmSync(folder, { recursive: true, force: true });
const facts = machine();
const rows = results.flatMap((one) => one.rows);
if (flags.json) process.stdout.write(`${JSON.stringify({ machine: facts, rounds, results })}\n`);
else {
  const short = flags.full ? '' : 'Short form: one round, hardly warmed up. It shows that it runs and what is far off; figures to quote come from --full.\n';
  process.stdout.write(`${factsLine(facts, rounds)}${short}\n${goalsTable(rows)}`);
  for (const { tables = [] } of results) for (const table of tables) process.stdout.write(`\n${table}`);
}
process.exit(failed ? 1 : 0);
