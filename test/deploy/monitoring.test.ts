import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { metricEntries } from '../../src/commands/reference/metrics.ts';
import { errorCodes } from '../../src/model/errors.ts';

const folder = join(import.meta.dirname, '../../deploy/monitoring');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const isNoFile = (name: string) => name !== 'lanner_rules';
/** Keys of Falco's that the texts name; metrics of others are told by their names. */
const foreign = new Set([
  'http_output',
  'json_output',
  'root_certs',
  'grpc.bind_address',
  'syscall_event_drops',
  'buf_size_preset',
]);
const { groups } = parse(read('alerts.yaml')) as {
  groups: { rules: { alert: string; expr: string; annotations: { runbook: string } }[] }[];
};
const rules = groups.flatMap((group) => group.rules);

describe('the alerts of deploy/monitoring', () => {
  it('ask only for metrics that there are', () => {
    const known = new Set(metricEntries().map((entry) => entry.name));
    const asked = rules.flatMap(({ expr }) => expr.match(/\b(?:lanner|nodejs|process)_[a-z0-9_]+/g) ?? []);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it('have an entry each in the runbook, and the runbook has no other', () => {
    const headings = [...read('runbook.md').matchAll(/^### (\w+)$/gm)].map((match) => match[1]!);
    expect(headings.sort()).toEqual(rules.map((rule) => rule.alert).sort());
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`runbook.md#${alert.toLowerCase()}`);
  });

  it('are each tried by promtool on both sides', () => {
    const { tests } = parse(read('alerts.test.yaml')) as { tests: { name: string }[] };
    expect(tests.map((one) => one.name).sort()).toEqual(
      rules.flatMap(({ alert }) => [`${alert} fires`, `${alert} is silent`]).sort(),
    );
  });
});

describe('the runbook of error codes', () => {
  const text = read('errors.md');
  const entries = text.split(/^### /m).slice(1);

  it('has an entry for each code, and no other', () => {
    const headings = entries.map((entry) => entry.slice(0, entry.indexOf('\n')));
    expect(headings.sort()).toEqual(Object.keys(errorCodes).sort());
  });

  it('says in each what to do, in more than one sentence', () => {
    for (const entry of entries) {
      const [heading, ...rest] = entry.split('\n');
      expect(rest.join(' ').trim().length, heading).toBeGreaterThan(40);
    }
  });
});

describe.each(['runbook.md', 'errors.md'])('%s', (file) => {
  const text = read(file);

  it('links to what there is', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(join(folder, link)))).toEqual([]);
  });

  it('names metrics, keys, commands and options that there are', () => {
    const metrics = new Set(metricEntries().map((entry) => entry.name));
    expect(
      (text.match(/\blanner_[a-z0-9_]+\b/g) ?? []).filter(isNoFile).filter((one) => !metrics.has(one)),
    ).toEqual([]);
    const cli = readFileSync(join(folder, '../reference/cli.md'), 'utf8');
    const commands = [...text.matchAll(/`(lanner [a-z]+(?: [a-z]+)?)/g)].map((match) => match[1]!);
    expect(commands.filter((command) => !cli.includes(command))).toEqual([]);
    const configuration = readFileSync(join(folder, '../reference/configuration.md'), 'utf8');
    const keys = [...text.matchAll(/`((?:[a-z_]+\.)*[a-z]+_[a-z_]+)`/g)].map((match) => match[1]!);
    const others = (key: string) => foreign.has(key) || /^(tetragon|container)_/.test(key);
    const ours = keys.filter((key) => !(key in errorCodes) && !others(key) && !metrics.has(key));
    expect(ours.filter((key) => !configuration.includes(key))).toEqual([]);
  });
});
