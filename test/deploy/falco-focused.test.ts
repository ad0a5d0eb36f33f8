import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rulesFile } from '../../.ci/falco-rules.mjs';
import type { Finding } from '../../src/model/finding.ts';
import { decodeAlert } from '../../src/sources/falco/message.ts';
import { readRules } from '../support/falco-condition.ts';
import { openBench } from '../support/lanner.ts';
import { recordedMessages } from '../support/recordings.ts';

const text = readFileSync(rulesFile(), 'utf8');
const { rules } = readRules(text);
const bench = openBench();
afterAll(() => bench.clean());

/** What `lanner replay` tells of the recorded execs that a rule lets through. */
async function told(rule: string): Promise<{ execs: number; findings: Finding[] }> {
  const { matches } = rules.find((one) => one.rule === rule)!;
  const sent = recordedMessages('falco/scenario').filter((message) => matches(decodeAlert(message).fields));
  const file = join(bench.folder, 'sent.bin');
  const lengths = sent.map((message) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    return length;
  });
  writeFileSync(file, Buffer.concat(sent.flatMap((message, at) => [lengths[at]!, message])));
  const run = bench.lanner(['replay', '--json', file]);
  await run.code;
  const lines = run.out().trim().split('\n');
  const findings = lines
    .map((line) => JSON.parse(line) as Finding)
    .filter(({ schema }) => schema === 'lanner.finding/v1');
  return { execs: sent.length, findings: findings.filter(({ revision }) => revision === 1) };
}

describe('what the focused rule costs, on the recorded scenario', async () => {
  const focused = await told('Lanner Suspicious Exec In Container');
  const every = await told('Lanner Every Exec In Container');
  const context = ({ findings }: typeof focused) =>
    findings.reduce((sum, finding) => sum + (finding.context?.length ?? 0), 0);
  const missing = (from: Finding[], of: Finding[]) =>
    of
      .filter(({ id }) => !from.some((one) => one.id === id))
      .map(({ exec }) => exec.process.argv?.[0])
      .sort();

  it('is no finding and no severity', () => {
    expect(focused.findings).toHaveLength(every.findings.length);
    const severities = (findings: Finding[]) => findings.map(({ severity, tool }) => `${severity} ${tool}`);
    expect(severities(focused.findings)).toEqual(severities(every.findings));
  });

  it('is the wrapper before a tool, which is then told instead', () => {
    expect(missing(focused.findings, every.findings)).toEqual(['nohup', 'timeout']);
    expect(missing(every.findings, focused.findings)).toEqual(['nc', 'tcpdump']);
  });

  it('is some context, as the file says', () => {
    expect(text.replace(/\n# /g, ' ')).toContain(
      `of a recorded scenario of ${every.execs} execs it sends ${focused.execs}, and Lanner tells the same findings`,
    );
    const less = 1 - context(focused) / context(every);
    expect(less, 'about an eighth').toBeGreaterThan(1 / 12);
    expect(less, 'about an eighth').toBeLessThan(1 / 6);
  });

  it('is, beyond the scenario, a tool that neither name nor place betrays', () => {
    const [{ matches }] = rules as [(typeof rules)[0]];
    const renamed = { 'evt.type': 'execve', 'evt.res': 'SUCCESS', 'container.id': 'a', 'proc.name': 'x' };
    const fields = new Map(
      Object.entries({ ...renamed, 'proc.exepath': '/usr/bin/x', 'proc.args': 'h 4444' }),
    );
    expect(matches(fields)).toBe(false);
    expect(rules[1]!.matches(fields)).toBe(true);
  });
});
