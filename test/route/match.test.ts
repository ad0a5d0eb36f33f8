import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { compileCel } from '../../src/route/cel.ts';
import { compileMatch, type Match } from '../../src/route/match.ts';
import { aFinding } from '../support/finding.ts';

const finding = aFinding();
const bare: Finding = aFinding({
  exec: {
    ...finding.exec,
    process: { argv: ['curl'], argv_quality: 'split', argv0_known: false },
  },
});
for (const part of ['pod', 'image', 'cluster', 'node', 'container'] as const) delete bare.exec[part];
const { tool: _tool, category: _category, ...toolless } = aFinding();

const is = (match: Match, of: Finding = finding) => compileMatch(match)(of).is;

describe('a short-form matcher', () => {
  it.each<[Match, 'yes' | 'no']>([
    [{}, 'yes'],
    [{ severity: 'high' }, 'yes'],
    [{ severity: '>=high' }, 'yes'],
    [{ severity: '>= medium' }, 'yes'],
    [{ severity: '>high' }, 'no'],
    [{ severity: '<critical' }, 'yes'],
    [{ severity: ['low', 'high'] }, 'yes'],
    [{ severity: '!high' }, 'no'],
    [{ namespace: 'shop' }, 'yes'],
    [{ namespace: ['prod', 'shop'] }, 'yes'],
    [{ namespace: 'Shop' }, 'no'],
    [{ namespace: 'sh*' }, 'yes'],
    [{ namespace: ['*', '!shop'] }, 'no'],
    [{ namespace: ['!kube-system', '!monitoring'] }, 'yes'],
    [{ tool: 'curl' }, 'yes'],
    [{ tool: ['nc', 'wget'] }, 'no'],
    [{ category: '!tunnel' }, 'yes'],
    [{ indicator: 'writable_directory' }, 'yes'],
    [{ indicator: 'writable_*' }, 'yes'],
    [{ indicator: '!web_server_ancestor' }, 'no'],
    [{ mitre: 'T1105' }, 'yes'],
    [{ image: 'registry.example/**' }, 'yes'],
    [{ image: 'registry.example/*' }, 'no'],
    [{ image: 'registry.example/shop/web' }, 'yes'],
    [{ image: 'registry.example/shop/web:1.4.2' }, 'yes'],
    [{ image: '**@sha256:3f1c*' }, 'yes'],
    [{ image: 'registryXexample/**' }, 'no'],
    [{ cluster: 'prod-??' }, 'yes'],
    [{ labels: { team: 'shop' } }, 'yes'],
    [{ labels: { team: ['a', 'b'] } }, 'no'],
    [{ labels: { absent: '*' } }, 'no'],
    [{ labels: { absent: '!x' } }, 'yes'],
    [{ labels: { team: 'shop', app: 'db' } }, 'no'],
    [{ score: '>=75' }, 'yes'],
    [{ score: '> 75' }, 'no'],
    [{ 'exec.process.uid': 33 }, 'yes'],
    [{ 'exec.process.uid': '<1000' }, 'yes'],
    [{ 'exec.process.argv': '-o' }, 'yes'],
    [{ 'exec.process.argv': '--upload' }, 'no'],
    [{ severity: '>=high', namespace: 'shop', tool: 'nc' }, 'no'],
  ])('%j gives %s', (match, expected) => {
    expect(is(match)).toBe(expected);
  });

  it.each<[Match]>([
    [{ namespace: 'shop' }],
    [{ namespace: '!shop' }],
    [{ image: '**' }],
    [{ cluster: 'prod-eu' }],
    [{ labels: { team: 'shop' } }],
    [{ user: 'root' }],
    [{ binary: '/tmp/**' }],
    [{ 'exec.process.uid': 0 }],
    [{ severity: 'high', namespace: 'shop' }],
  ])('%j is unknown where the fact is missing', (match) => {
    expect(is(match, bare)).toBe('unknown');
  });

  it('is decided by a no, whatever is unknown besides', () => {
    expect(is({ namespace: 'shop', severity: 'low' }, bare)).toBe('no');
    expect(is({ severity: 'low', namespace: 'shop' }, bare)).toBe('no');
  });

  it('takes no tool as an answer, since detection always looks', () => {
    expect(is({ tool: 'curl' }, toolless as Finding)).toBe('no');
    expect(is({ tool: '!curl' }, toolless as Finding)).toBe('yes');
  });

  it.each<[Match, RegExp]>([
    [{ namspace: 'x' }, /no field "namspace".*namespace/],
    [{ severity: 'hihg' }, /no severity "hihg".*critical/],
    [{ severity: '>=urgent' }, /no severity "urgent"/],
    [{ labels: 'x' }, /labels needs names and patterns/],
    [{ tool: { a: 'b' } }, /tool takes a value/],
    [{ tool: [] }, /tool has an empty list/],
    [{ score: '>many' }, /no number/],
  ])('%j is refused with what is wrong', (match, message) => {
    expect(() => compileMatch(match)).toThrow(message);
  });
});

describe('CEL', () => {
  it.each([
    ['finding.score > 50', 'yes'],
    ['finding.exec.process.uid == 0', 'no'],
    ['finding.indicators.exists(i, i.id == "web_server_ancestor" && i.hard)', 'yes'],
    ['finding.exec.pod.labels["team"] == "shop"', 'yes'],
    ['finding.exec.process.argv.exists(a, a.startsWith("http://203."))', 'yes'],
    ['has(finding.context)', 'no'],
    ['finding.exec.pod.labels["absent"] == "x"', 'unknown'],
    ['finding.exec.nothing.here', 'unknown'],
    ['finding.title', 'unknown'],
    ['finding.exec.nothing == 1 || finding.score > 50', 'yes'],
    ['finding.exec.nothing == 1 && finding.score > 500', 'no'],
  ] as const)('%s is %s', (expression, expected) => {
    expect(compileCel(expression)(finding).is).toBe(expected);
  });

  it.each(['finding.score >', '', 'a b', '(('])('"%s" is refused', (expression) => {
    expect(() => compileCel(expression)).toThrow(/not valid CEL/);
  });

  it('cannot be made slow by a pattern', () => {
    const hostile = aFinding({ title: `${'a'.repeat(5000)}!` });
    expect(compileCel('finding.title.matches("^(a+)+$")')(hostile).is).toBe('no');
  });
});
