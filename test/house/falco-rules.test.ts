import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Tool, tools } from '../../src/detect/tools/index.ts';
import { readRules } from '../support/falco-condition.ts';

const text = readFileSync(join(import.meta.dirname, '../../deploy/falco/lanner_rules.yaml'), 'utf8');
const focused = readRules(text).rules.find((one) => one.rule === 'Lanner Suspicious Exec In Container')!;
const container = { 'evt.type': 'execve', 'evt.res': 'SUCCESS', 'container.id': '1f14e45fceea' };
const sends = (fields: Record<string, string>) =>
  focused.matches(new Map(Object.entries({ ...container, 'proc.exepath': '/usr/bin/x', ...fields })));

/** The kernel keeps 15 bytes of a name. */
const comm = (name: string) => Buffer.from(name).subarray(0, 15).toString();

/** Names that the focused rule leaves out, each with the reason; the rule for every exec sends them too. */
const tooNoisy: Record<string, string> = {
  gs: 'Ghostscript: document services start it for every page; gsocket is sent under its other names',
};

/** Names in the rule that are no tool's: Lanner knows these programs by their options. */
const byOptions = ['agent', 'proxy']; // ligolo-ng

const sent = (tool: Tool) => tool.category !== 'diag';
const each = tools
  .filter(sent)
  .flatMap((tool) => tool.names.map((name) => ({ name, operand: tool.first_operand?.[0] ?? '' })));

describe("the focused Falco rule holds the taxonomy's names", () => {
  it('sends every tool by its name, cut as the kernel cuts it', () => {
    const missing = each.filter(
      ({ name, operand }) => !(name in tooNoisy) && !sends({ 'proc.name': comm(name), 'proc.args': operand }),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('leaves out only names that the taxonomy still has', () => {
    const names = each.map(({ name }) => name);
    expect(Object.keys(tooNoisy).filter((name) => !names.includes(name))).toEqual([]);
    for (const name of Object.keys(tooNoisy)) expect(sends({ 'proc.name': name })).toBe(false);
  });

  it('leaves diagnosis out, which is never a finding by itself', () => {
    const diag = tools.filter((tool) => !sent(tool)).flatMap((tool) => tool.names);
    expect(diag.length).toBeGreaterThan(10);
    expect(diag.filter((name) => sends({ 'proc.name': comm(name) }))).toEqual([]);
  });

  it('sends every applet that differs from the names', () => {
    const applets = tools.filter(sent).flatMap((tool) => tool.applets ?? []);
    expect(applets.length).toBeGreaterThan(0);
    const missing = applets.filter(
      (applet) => !sends({ 'proc.name': 'busybox', 'proc.args': `${applet} x` }),
    );
    expect(missing).toEqual([]);
  });

  it('sends every module form', () => {
    const modules = tools.filter(sent).flatMap((tool) => tool.modules ?? []);
    expect(modules.length).toBeGreaterThan(0);
    const missing = modules.filter((form) => {
      const [interpreter = '', module = ''] = form.split(':');
      const args = module.startsWith('-') ? `${module} x` : `-m ${module} x`;
      return !sends({ 'proc.name': interpreter, 'proc.args': args });
    });
    expect(missing).toEqual([]);
  });

  it('names no tool that the taxonomy does not know', () => {
    const known = new Set([
      ...each.map(({ name }) => comm(name)),
      ...tools.flatMap((tool) => tool.applets ?? []),
    ]);
    const listed = [...text.matchAll(/- list: (lanner_\w+)\n\s+items: \[([^\]]*)\]/g)]
      .filter(([, list]) => !['lanner_tools', 'lanner_shells'].includes(list!))
      .flatMap((match) => match[2]!.split(',').map((name) => name.trim().replaceAll('"', '')));
    expect(listed.length).toBeGreaterThan(200);
    expect(listed.filter((name) => !known.has(name))).toEqual(byOptions);
  });
});
