import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { metricEntries } from '../../src/commands/reference/metrics.ts';

const read = (file: string) =>
  readFileSync(join(import.meta.dirname, '../../deploy/monitoring', file), 'utf8');
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
