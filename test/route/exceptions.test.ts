import { describe, expect, it } from 'vitest';
import { loadYaml } from '../../src/lib/yaml-config.ts';
import type { Finding } from '../../src/model/finding.ts';
import { compileExceptions, type ExceptionStep, expiredExceptions } from '../../src/route/exceptions.ts';
import { exceptionSchema, exceptionsFileSchema } from '../../src/route/exceptions-schema.ts';
import { aFinding } from '../support/finding.ts';

const base = { name: 'probe', reason: 'a known probe' };
const soft = aFinding().indicators.filter((one) => !one.hard);
/** No hard indicator, and a chain that is known to its end. */
function quiet(change: Partial<Finding> = {}): Finding {
  const finding = aFinding({ indicators: soft, ...change });
  finding.exec.ancestors.push({
    binary: '/usr/bin/containerd-shim',
    argv: ['containerd-shim'],
    argv_quality: 'exact',
    argv0_known: true,
    place: 'outside',
    from: 'sensor',
  });
  return finding;
}

function apply(config: Record<string, unknown>, finding: Finding) {
  const steps: ExceptionStep[] = [];
  const result = compileExceptions([exceptionSchema.parse({ ...base, ...config })]).apply(finding, (step) =>
    steps.push(step),
  );
  return { ...result, step: steps[0]! };
}

describe('what an exception matches', () => {
  it.each([
    [{ tool: 'curl' }, 'yes'],
    [{ tool: 'wget' }, 'no'],
    [{ category: 'download', namespace: 'shop', workload: 'web' }, 'yes'],
    [{ args: ['-fsSL', 'http://203.0.113.7/**', '-o', '/tmp/x'] }, 'yes'],
    [{ args: ['-fsSL'] }, 'no'],
    [{ args_have: '-fsSL' }, 'yes'],
    [{ args_have: ['-fsSL', '!-k'] }, 'yes'],
    [{ args_have: '203.0.113.7' }, 'no'],
    [{ args_at: { 1: '-fsSL', last: '/tmp/x' } }, 'yes'],
    [{ args_at: { 2: '-fsSL' } }, 'no'],
    [{ peer_class: 'public_ip' }, 'unknown'],
    [{ command_line_contains: '203.0.113.7' }, 'yes'],
    [{ command_line: 'curl **' }, 'yes'],
    [{ repository: 'registry.example/shop/web' }, 'yes'],
    [{ digest: 'sha256:3f1c5d2a9b8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a' }, 'yes'],
    [{ indicator: 'writable_directory' }, 'yes'],
    [{ ancestors: { 1: '/bin/sh' } }, 'yes'],
    [{ ancestors: { 2: '/bin/sh' } }, 'no'],
    [{ ancestors: { any: '/usr/sbin/nginx' } }, 'yes'],
    [{ ancestors: { any: 'nginx' } }, 'no'],
    [{ ancestors: { any: '/usr/bin/containerd-shim' } }, 'no'],
    [{ ancestors: { 4: '/bin/sh' } }, 'no'],
    [{ service_account: 'default' }, 'unknown'],
    [{ tool: 'wget', service_account: 'default' }, 'no'],
  ])('%j: %s', (match, is) => {
    const { step, hidden, finding } = apply({ match }, quiet());
    expect(step.is).toBe(is);
    expect(hidden).toBe(is === 'yes');
    expect(finding.exceptions?.map(({ applied }) => applied)).toEqual(
      is === 'no' ? undefined : [is === 'yes'],
    );
  });

  it('says in the finding which fact is missing', () => {
    const { finding } = apply({ match: { service_account: 'default' } }, quiet());
    expect(finding.exceptions).toEqual([
      {
        name: 'probe',
        mode: 'hide',
        applied: false,
        why: 'the service account is not known',
        because: 'missing_fact',
      },
    ]);
  });

  it('does not decide by ancestors beyond what is known', () => {
    const finding = aFinding({ indicators: soft });
    expect(apply({ match: { ancestors: { 3: '/x' } } }, finding).step.is).toBe('unknown');
    expect(apply({ match: { ancestors: { any: '/x' } } }, finding).step.is).toBe('unknown');
    delete finding.exec.ancestors[0]!.binary;
    expect(apply({ match: { ancestors: { 1: '/x' } } }, finding).step).toMatchObject({
      is: 'unknown',
      why: 'the path of ancestor 1 is not known',
    });
  });

  it('wants match and CEL to hold', () => {
    const both = { match: { tool: 'curl' }, when: "finding.exec.pod.namespace == 'shop'" };
    expect(apply(both, quiet()).hidden).toBe(true);
    expect(apply({ ...both, match: { tool: 'wget' } }, quiet()).hidden).toBe(false);
    expect(apply({ ...both, when: "finding.exec.node == 'other'" }, quiet()).hidden).toBe(false);
  });
});

describe('what an exception does', () => {
  const match = { tool: 'curl' };

  it('lowers, and keeps the severity there was', () => {
    const { finding, hidden } = apply({ match, mode: { lower: 'info' } }, quiet());
    expect([finding.severity, finding.severity_before, hidden]).toEqual(['info', 'high', false]);
  });

  it('never raises', () => {
    const { finding } = apply({ match, mode: { lower: 'medium' } }, quiet({ severity: 'low' }));
    expect(finding.severity).toBe('low');
    expect(finding.severity_before).toBeUndefined();
  });

  it('only counts where that is all it shall do, hard indicators or not', () => {
    const { finding, hidden } = apply({ match, mode: 'count' }, aFinding());
    expect([finding.severity, hidden]).toEqual(['high', false]);
    expect(finding.exceptions).toEqual([
      { name: 'probe', mode: 'count', applied: true, why: 'tool is curl' },
    ]);
  });

  it.each([
    ['is broken through by a hard indicator', { match }, 'broken_through'],
    ['names the hard indicator', { match, even_if: ['web_server_ancestor'] }, 'yes'],
    ['matches on the hard indicator', { match: { indicator: 'web_server_ancestor' } }, 'yes'],
    ['matches on it by a glob, which names none', { match: { indicator: 'web_*' } }, 'broken_through'],
    ['excludes another one, which names none', { match: { indicator: '!x' } }, 'broken_through'],
    ['names another one', { match, even_if: ['memfd'] }, 'broken_through'],
  ])('%s', (_what, config, is) => {
    const { step, hidden } = apply(config, aFinding());
    expect(step.is).toBe(is);
    expect(hidden).toBe(is === 'yes');
  });

  it.each([
    ['2026-11-22', true],
    ['2026-11-21', false],
    ['2026-11-22T12:00:00Z', false],
    ['2026-11-22T12:00:01Z', true],
  ])('that expires %s hides at noon of the 22nd: %s', (expires, hides) => {
    const { hidden, finding } = apply({ match, expires }, quiet());
    expect(hidden).toBe(hides);
    if (!hides)
      expect(finding.exceptions?.[0]).toMatchObject({
        applied: false,
        why: expect.stringMatching('expired'),
      });
  });

  it('hides if one of several does, and notes them all', () => {
    const compiled = compileExceptions(
      [
        { ...base, name: 'a', match, mode: { lower: 'low' } },
        { ...base, name: 'b', match: { tool: 'wget' } },
        { ...base, name: 'c', match },
      ].map((one) => exceptionSchema.parse(one)),
    );
    const { finding, hidden } = compiled.apply(quiet());
    expect(hidden).toBe(true);
    expect(finding.severity).toBe('low');
    expect(finding.exceptions?.map(({ name }) => name)).toEqual(['a', 'c']);
  });

  it('leaves a finding that none matches as it is', () => {
    const finding = quiet();
    expect(compileExceptions([]).apply(finding).finding).toBe(finding);
    expect(apply({ match: { tool: 'wget' } }, finding).finding).toBe(finding);
  });
});

describe('exceptions as they are written', () => {
  it.each([
    ['no reason', 'name: a, match: {tool: curl}', 'exceptions.0.reason', /missing/],
    ['an empty reason', 'name: a, reason: " ", match: {tool: curl}', 'exceptions.0.reason', /./],
    ['nothing to match', 'name: a, reason: r', 'exceptions.0', /says nothing to match/],
    ['an empty match', 'name: a, reason: r, match: {}', 'exceptions.0', /says nothing to match/],
    [
      'an unknown field',
      'name: a, reason: r, match: {tol: x}',
      'exceptions.0.match.tol',
      /there is no field/,
    ],
    ['no day', 'name: a, reason: r, match: {tool: x}, expires: soon', 'exceptions.0.expires', /a day/],
    [
      'no such day',
      'name: a, reason: r, match: {tool: x}, expires: "2026-02-30"',
      'exceptions.0.expires',
      /a day/,
    ],
    ['CEL', 'name: a, reason: r, when: finding.tol == 1', 'exceptions.0.when', /^at 1:8 of the CEL/],
    [
      'an ancestor 0',
      'name: a, reason: r, match: {ancestors: {0: /x}}',
      'exceptions.0.match.ancestors',
      /from 1/,
    ],
    [
      'a word at place 0',
      'name: a, reason: r, match: {args_at: {0: x}}',
      'exceptions.0.match.args_at',
      /from 1/,
    ],
    [
      'an unknown class of peers',
      'name: a, reason: r, match: {peer_class: lo}',
      'exceptions.0.match.peer_class',
      /Known: loopback/,
    ],
    [
      'an empty part',
      'name: a, reason: r, match: {command_line_contains: ""}',
      'exceptions.0.match.command_line_contains',
      /empty/,
    ],
  ])('%s is refused with its place', (_what, text, path, message) => {
    const loaded = loadYaml(`exceptions:\n  - {${text}}\n`, exceptionsFileSchema, {});
    expect(loaded.ok).toBe(false);
    if (!loaded.ok)
      expect(loaded.problems[0]).toMatchObject({ line: 2, path, message: expect.stringMatching(message) });
  });

  it('two of one name are refused', () => {
    const one = '  - {name: a, reason: r, match: {tool: x}}\n';
    const loaded = loadYaml(`exceptions:\n${one}${one}`, exceptionsFileSchema, {});
    expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message)).toEqual([
      'there are two exceptions a',
    ]);
  });

  it('says which have expired', () => {
    const configs = [
      { ...base, name: 'old', match: { tool: 'x' }, expires: '2026-01-01', owner: 'web team' },
      { ...base, name: 'new', match: { tool: 'x' }, expires: '2027-01-01' },
      { ...base, name: 'ever', match: { tool: 'x' } },
    ].map((one) => exceptionSchema.parse(one));
    expect(expiredExceptions(configs, '2026-06-01T00:00:00.000000000Z')).toEqual([
      { name: 'old', expires: '2026-01-01', owner: 'web team' },
    ]);
  });
});
