// What Falco's stock rules and Lanner said of the same labelled actions in the recorded real streams:
// `npm run compare`; `--json` for tools; `--section` prints what the README shows, `--readme` writes it there,
// between `<!-- compare -->` and `<!-- /compare -->`.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const recordings = join(root, 'test/fixtures/recordings');
const severities = ['none', 'info', 'low', 'medium', 'high', 'critical'];
const priorities = ['Debug', 'Informational', 'Notice', 'Warning', 'Error', 'Critical', 'Alert', 'Emergency'];
const streams = [
  ['tetragon', 'Lanner on Tetragon', 'tetragon/scenario-k8s.bin.gz'],
  ['falco', 'Lanner on Falco', 'falco/scenario.bin.gz'],
];

const actions = readFileSync(join(recordings, 'scenario.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [id, image, argv, verdict, severity, why, , marker] = line.split('\t');
    const kind = image.startsWith('HOST') ? 'host' : verdict;
    return { id, argv, kind, severity, why, marker };
  });

/** The texts in a value that carry an action's marker; s142's stands behind 8 KB that Falco does not hand over. */
function carries(action, value) {
  if (typeof value === 'string')
    return value.includes(action.marker) || (action.id === 's142' && value.includes('X-Data: QUJD0123QUJD0123'));
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((inner) => carries(action, inner));
}

/** Commands without a marker, told by their parent or container. */
const unmarked = { 'cat /etc/shadow': 's158', 'cron -f': 's136' };

/** An alert is about the process it names; only where that has no marker, another text of it decides. */
function actionsOf(alert) {
  const told = unmarked[alert.output_fields['proc.cmdline']];
  if (told !== undefined) return actions.filter((action) => action.id === told);
  const byCommand = actions.filter((action) => carries(action, alert.output_fields['proc.cmdline']));
  return byCommand.length > 0 ? byCommand : actions.filter((action) => carries(action, alert));
}

function stockAlerts() {
  const alerts = gunzipSync(readFileSync(join(recordings, 'falco/stock-rules.http.jsonl.gz')))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const frames = findingsOf('falco/scenario-stock.bin.gz').summary.messages;
  if (frames !== alerts.length) throw new Error(`gRPC has ${frames} alerts of the stock rules, HTTP ${alerts.length}`);
  const byAction = new Map(actions.map((action) => [action.id, []]));
  const rules = new Map();
  for (const alert of alerts) {
    rules.set(alert.rule, (rules.get(alert.rule) ?? 0) + 1);
    const of = actionsOf(alert);
    if (of.length === 0) throw new Error(`no action belongs to ${alert.rule}: ${alert.output_fields['proc.cmdline']}`);
    for (const action of of) byAction.get(action.id).push({ rule: alert.rule, priority: alert.priority, stable: alert.tags.includes('maturity_stable') });
  }
  const stable = alerts.filter((alert) => alert.tags.includes('maturity_stable')).length;
  return { total: alerts.length, stable, rules: Object.fromEntries([...rules].sort((a, b) => b[1] - a[1])), byAction };
}

function findingsOf(recording) {
  const main = join(root, 'dist/main.js');
  const lines = execFileSync(process.execPath, [main, 'replay', '--json', join(recordings, recording)], {
    maxBuffer: 256 * 1024 * 1024,
  })
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { findings: lines.slice(0, -1), summary: lines.at(-1).summary };
}

function lannerFindings(recording) {
  const { findings, summary } = findingsOf(recording);
  const byAction = new Map(actions.map((action) => [action.id, 'none']));
  for (const { exec, related, severity } of findings)
    for (const action of actions) {
      if (!carries(action, { exec, related })) continue;
      if (severities.indexOf(severity) > severities.indexOf(byAction.get(action.id))) byAction.set(action.id, severity);
    }
  return { total: findings.length, summary, byAction };
}

const stock = stockAlerts();
const lanner = Object.fromEntries(streams.map(([name, , recording]) => [name, lannerFindings(recording)]));
const rows = actions.map((action) => {
  const alerts = stock.byAction.get(action.id);
  return {
    ...action,
    stock: [...new Set(alerts.map(({ rule }) => rule))],
    stable: alerts.some((alert) => alert.stable),
    priority: alerts.map(({ priority }) => priority).sort((a, b) => priorities.indexOf(b) - priorities.indexOf(a))[0],
    ...Object.fromEntries(streams.map(([name]) => [name, lanner[name].byAction.get(action.id)])),
  };
});

const atLeast = (order, least) => (value) => value !== undefined && order.indexOf(value) >= order.indexOf(least);
const kinds = [
  ['suspicious', 'suspicious actions'],
  ['benign', 'benign actions'],
  ['host', 'host actions'],
];
const tally = (fired) =>
  Object.fromEntries(
    kinds.map(([kind]) => {
      const own = rows.filter((row) => row.kind === kind);
      return [kind, { fired: own.filter(fired).length, of: own.length }];
    }),
  );
/** `messages` counts what an operator would receive without any threshold. */
const totals = [
  { who: "Falco's stable rules (a default install)", messages: stock.stable, ...tally((row) => row.stable) },
  { who: "All of Falco's rules", messages: stock.total, ...tally((row) => row.stock.length > 0) },
  { who: "All of Falco's rules, warning and above", ...tally((row) => atLeast(priorities, 'Warning')(row.priority)) },
  ...streams.flatMap(([name, who]) => [
    { who: `${who}, low and above`, messages: lanner[name].total, ...tally((row) => atLeast(severities, 'low')(row[name])) },
    { who: `${who}, medium and above`, ...tally((row) => atLeast(severities, 'medium')(row[name])) },
    { who: `${who}, high and above`, ...tally((row) => atLeast(severities, 'high')(row[name])) },
  ]),
];

const line = (cells) => `| ${cells.map((text) => String(text).replaceAll('|', '\\|')).join(' | ')} |\n`;
const table = (columns, body) => line(columns) + `|${columns.map(() => ' --- |').join('')}\n` + body.map(line).join('');
const totalsTable = () =>
  table(
    ['said something', ...kinds.map(([kind, title]) => `${title} (${totals[0][kind].of})`), 'messages'],
    totals.map((row) => [row.who, ...kinds.map(([kind]) => row[kind].fired), row.messages ?? '']),
  );

function report() {
  const short = (text) => (text.length > 90 ? `${text.slice(0, 90)}…` : text);
  const perAction = table(
    ['action', 'what', 'command', 'label', 'stock rules', ...streams.map(([, who]) => who)],
    rows.map((row) => [
      row.id,
      row.why,
      `\`${short(row.argv)}\``,
      row.kind === 'suspicious' ? row.severity : row.kind,
      row.stock.length === 0 ? '' : `${row.stock.join(', ')} (${row.priority})`,
      ...streams.map(([name]) => (row[name] === 'none' ? '' : row[name])),
    ]),
  );
  const rules = table(['stock rule', 'alerts'], Object.entries(stock.rules));
  return `${totalsTable()}\n${perAction}\n${rules}`;
}

/** What stands in the README. */
function section() {
  const [mostly, count] = Object.entries(stock.rules)[0];
  const [suspicious, benign, host] = kinds.map(([kind]) => totals[0][kind].of);
  return `${suspicious} suspicious and ${benign} benign actions in real containerd and Docker containers, and ${host} on their host, while Falco 0.43.1 and Tetragon 1.7.0 watched: of how many was something said, and in how many messages?

${totalsTable()}
${count} of the messages of all of Falco's rules are about one \`tar\` of harmless files (${mostly}). Lanner on Falco read what Falco sends with a rule for every exec in a container. Per action, with the rules' names: \`npm run compare\`.
`;
}

function writeReadme() {
  const file = join(root, 'README.md');
  const text = readFileSync(file, 'utf8');
  const between = /(<!-- compare -->\n)[\s\S]*?(<!-- \/compare -->)/;
  if (!between.test(text)) throw new Error('README.md has no <!-- compare --> … <!-- /compare -->');
  writeFileSync(file, text.replace(between, (_all, start, end) => `${start}${section()}${end}`));
}

if (process.argv.includes('--json'))
  process.stdout.write(`${JSON.stringify({ totals, rules: stock.rules, actions: rows })}\n`);
else if (process.argv.includes('--readme')) writeReadme();
else process.stdout.write(process.argv.includes('--section') ? section() : report());
