// Cost as work grows: events/s, share of findings, depth of ancestors, number of exceptions, number of routes. Each a
// curve; in events it has to be linear or better, in exceptions and routes flat.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openReceiver, openSender } from '../lib/agent.mjs';
import { lanner, tetragonConfig } from '../lib/candidates.mjs';
import { spread } from '../lib/measure.mjs';
import { figure, row } from '../lib/report.mjs';
import { measured } from '../lib/run.mjs';
import { curve, exponent, slope } from '../lib/svg.mjs';

export const title = 'cost as work grows';

/** Exceptions that look at the finding and do not hold for it: all have to be asked. */
const exceptions = (count) =>
  count === 0 ? '' : `exceptions:\n${Array.from({ length: count }, (_, at) => `  - {name: e${at}, reason: bench, mode: hide, match: {tool: nc, namespace: team-${at}}}\n`).join('')}`;

/** Routes that do not match, before the root's own sinks take it. */
const routes = (count, url) =>
  `sinks: {ops: {type: webhook, url: "${url}", batch: {max_count: 100, max_wait_secs: 0.05}}}\nroute:\n  sinks: [ops]\n${
    count === 0 ? '' : `  routes:\n${Array.from({ length: count }, (_, at) => `    - {name: r${at}, match: {namespace: team-${at}}, sinks: [ops]}\n`).join('')}`
  }`;

/** Each axis: its values, how one of them is sent and configured, and which aim its curve has. */
const axes = (url) => [
  { name: 'events', xLabel: 'events/s', values: [2500, 5000, 10_000, 20_000, 40_000], send: (x) => ({ rate: x }), yLabel: 'CPU, ms per second', of: (one, x) => (one.cpu_us * x) / 1000, goal: 'exponent in events/s (1: linear)', aim: 1.1, shape: exponent },
  { name: 'findings', xLabel: 'findings per 1,000 events', values: [0, 5, 10, 20, 50], send: (x) => ({ share: x / 1000 }) },
  { name: 'ancestors', xLabel: 'ancestors in each event', values: [1, 2, 4, 8, 12], send: (x) => ({ ancestors: x, stream: 'synthetic' }) },
  { name: 'exceptions', xLabel: 'exceptions', values: [0, 10, 100, 1000], send: () => ({}), more: exceptions, goal: 'CPU with 1,000 exceptions against none', aim: 1.15 },
  { name: 'routes', xLabel: 'routes', values: [0, 10, 50, 200], send: () => ({}), routes: (x) => routes(x, url), goal: 'CPU with 200 routes against none', aim: 1.15 },
];

async function point({ folder, full, profile }, axis, x, receiver) {
  const { rate = 0, share = 0.01, stream = 'real', ancestors = 1 } = axis.send(x);
  const sender = await openSender(folder, { stream, share, ancestors });
  const config = tetragonConfig({ socket: sender.socket, ...(axis.routes === undefined && { url: receiver.url, batch: true }), more: `${axis.more?.(x) ?? ''}${axis.routes?.(x) ?? ''}` });
  const seconds = full ? 2 : 0.5;
  try {
    const one = await measured({
      sender,
      open: () => lanner(folder, config, { name: `growth-${axis.name}-${x}`, profile }),
      warm: full ? 30_000 : 5000,
      count: rate > 0 ? rate * seconds : full ? 40_000 : 6000,
      rate,
      after: () => receiver.take().then(() => {}),
    });
    return axis.of?.(one, x) ?? one.cpu_us;
  } finally {
    sender.close();
  }
}

export async function run(context) {
  const { rounds, svg, full } = context;
  const receiver = await openReceiver();
  const rows = [];
  const tables = [];
  const all = axes(receiver.url);
  for (const axis of full ? all : all.filter(({ name }) => name === 'exceptions')) {
    const values = full ? axis.values : [axis.values[0], axis.values.at(-1)];
    const samples = values.map(() => []);
    for (let round = 0; round < Math.ceil(rounds / 5); round += 1) for (const [at, x] of values.entries()) samples[at].push(await point(context, axis, x, receiver));
    const points = values.map((x, at) => ({ x, y: spread(samples[at]).median, ...spread(samples[at]) }));
    const { yLabel = 'CPU, µs per event' } = axis;
    const grows = `${figure(slope(points))} ${yLabel.replace('CPU, ', '')} more for each`;
    tables.push(`${axis.xLabel} → ${yLabel}: ${points.map(({ x, y }) => `${x}: ${figure(y)}`).join(', ')} (${grows}${points.filter(({ x }) => x > 0).length > 1 ? `; exponent ${figure(exponent(points))}` : ''})\n`);
    if (svg !== undefined) writeFileSync(join(svg, `cost-by-${axis.name}.svg`), curve({ title: `Cost by ${axis.xLabel}`, note: grows, xLabel: axis.xLabel, yLabel, points }));
    if (axis.goal === undefined) continue;
    const reached = axis.shape === undefined ? samples.at(-1).map((one, at) => one / samples[0][at]) : [axis.shape(points)];
    rows.push(row({ goal: `cost as work grows: ${axis.goal}`, measured: spread(reached), unit: axis.shape === undefined ? '×' : '', most: axis.aim, detail: `${figure(points[0].y)} → ${figure(points.at(-1).y)} ${yLabel.replace('CPU, ', '')}` }));
  }
  receiver.close();
  return { rows, tables };
}
