// CPU from the start of the process to the subscription the agent sees, above a Node process that does nothing.
import { spawn } from 'node:child_process';
import { openSender } from '../lib/agent.mjs';
import { lanner, tetragonConfig } from '../lib/candidates.mjs';
import { cpuOf, spread } from '../lib/measure.mjs';
import { row, told } from '../lib/report.mjs';

export const title = 'start';

async function emptyNode() {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("."); setInterval(() => {}, 1e6)']);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const cpu = cpuOf(child.pid);
  child.kill();
  await new Promise((resolve) => child.once('exit', resolve));
  return cpu;
}

export async function run({ folder, full, profile }) {
  const sender = await openSender(folder, { stream: 'synthetic' });
  const above = [];
  const empty = [];
  const wall = [];
  for (let start = 0; start < (full ? 15 : 3); start += 1) {
    empty.push(await emptyNode());
    sender.expect();
    const began = performance.now();
    const one = lanner(folder, tetragonConfig({ socket: sender.socket }), { name: 'start', profile });
    await Promise.race([sender.subscribed(), one.failed]);
    above.push(cpuOf(one.pid) - empty.at(-1));
    wall.push(performance.now() - began);
    await one.stop();
  }
  sender.close();
  const detail = `empty process ${told(spread(empty), ' ms')}; on the clock ${told(spread(wall), ' ms')}`;
  return { rows: [row({ goal: 'CPU from process start to subscribed stream, above an empty Node process', measured: spread(above), unit: 'ms', most: 150, stretch: 100, detail })] };
}
