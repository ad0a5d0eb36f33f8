import { describe, expect, it } from 'vitest';
import {
  type LiveUses,
  openExceptionsReport,
  type ReportOptions,
} from '../../src/commands/exceptions-report.ts';
import type { ExceptionNote, Finding } from '../../src/model/finding.ts';
import type { Kept } from '../../src/model/history.ts';
import { exceptionSchema } from '../../src/route/exceptions-schema.ts';
import { aFinding } from '../support/finding.ts';

const now = '2026-11-23T12:00:00.000000000Z';
const one = (name: string, more: object = {}) =>
  exceptionSchema.parse({ name, reason: 'r', match: { tool: 'curl' }, ...more });
const applied = (name: string, mode: ExceptionNote['mode'] = 'hide'): ExceptionNote => ({
  name,
  mode,
  applied: true,
  why: '',
});
const soft = aFinding().indicators.filter(({ hard }) => !hard);
const low = (change: Partial<Finding> = {}) => aFinding({ severity: 'low', indicators: soft, ...change });

function reported(configs: ReturnType<typeof one>[], kept: Kept[], change: Partial<ReportOptions> = {}) {
  const report = openExceptionsReport(configs, { now, severe: 'high', soon_days: 14, ...change });
  for (const finding of kept) report.take(finding);
  return report.result();
}
const remarksOf = (...given: Parameters<typeof reported>) =>
  Object.fromEntries(
    reported(...given).exceptions.map(({ name, remarks }) => [name, remarks.map(({ is }) => is)]),
  );

describe('what is said of an exception', () => {
  it('counts hits, with the last one as a sample', () => {
    const early = low({ id: 'f-1', time: '2026-11-20T00:00:00.000000000Z', exceptions: [applied('a')] });
    const late = low({ id: 'f-2', time: '2026-11-21T00:00:00.000000000Z', exceptions: [applied('a')] });
    const { watched_since, exceptions } = reported([one('a', { owner: 'web' })], [late, early, low()]);
    expect(watched_since).toBe(early.time);
    expect(exceptions).toEqual([
      {
        name: 'a',
        mode: 'hide',
        reason: 'r',
        owner: 'web',
        hits: 2,
        hits_kept: 2,
        last: { id: 'f-2', time: late.time, title: late.title },
        kept_from: {},
        remarks: [],
      },
    ]);
  });

  it.each([
    ['expired', { expires: '2026-11-22' }],
    ['expires_soon', { expires: '2026-11-30' }],
    [undefined, { expires: '2027-11-30' }],
    [undefined, {}],
  ])('%s: %j', (is, more) => {
    const remarks = remarksOf([one('a', more)], [low({ exceptions: [applied('a')] })]);
    expect(remarks.a).toEqual(is === undefined ? [] : [is]);
  });

  it.each([
    ['hides_severe', low({ severity: 'high', exceptions: [applied('a')] })],
    ['hides_severe', low({ severity_before: 'critical', exceptions: [applied('a', 'lower')] })],
    ['hides_hard_indicator', aFinding({ severity: 'low', exceptions: [applied('a')] })],
    [
      'hides_malicious',
      { ...low({ exceptions: [applied('a')] }), label: { is: 'malicious' as const, time: now } },
    ],
    [undefined, { ...low({ exceptions: [applied('a')] }), label: { is: 'expected' as const, time: now } }],
    [undefined, aFinding({ exceptions: [applied('a', 'count')] })],
  ])('%s', (is, finding) => {
    expect(remarksOf([one('a')], [finding]).a).toEqual(is === undefined ? [] : [is]);
  });

  it.each([
    ['broken_through', 'hard_indicator'],
    ['undecided', 'missing_fact'],
  ] as const)('%s', (is, because) => {
    const note = { name: 'a', mode: 'hide' as const, applied: false, why: 'some reason', because };
    const [report] = reported(
      [one('a')],
      [low({ exceptions: [note] }), low({ exceptions: [applied('a')] })],
    ).exceptions;
    expect(report!.kept_from).toEqual({ [because]: 1 });
    expect(report!.remarks).toMatchObject([
      { is, text: expect.stringContaining('some reason'), sample: 'f-1a2b3c' },
    ]);
  });

  it('never hit, as far as is known', () => {
    expect(remarksOf([one('a')], [])).toEqual({ a: ['never_hit'] });
    const [report] = reported([one('a')], [low()]).exceptions;
    expect(report!.remarks[0]!.text).toContain('never applied since 2026-11-22T12:00Z');
  });

  it('shadowed by one that always applies as well, not by one that sometimes does', () => {
    const both = low({ exceptions: [applied('a'), applied('b')] });
    const alone = low({ exceptions: [applied('b')] });
    const configs = [one('a'), one('b')];
    expect(remarksOf(configs, [both, alone])).toEqual({ a: ['shadowed'], b: [] });
    expect(remarksOf(configs, [both])).toEqual({ a: [], b: ['shadowed'] });
    expect(remarksOf(configs, [both, alone, low({ exceptions: [applied('a')] })])).toEqual({ a: [], b: [] });
    const counting = [one('a'), one('b', { mode: 'count' })];
    const counted = low({ exceptions: [applied('a'), applied('b', 'count')] });
    expect(remarksOf(counting, [counted, low({ exceptions: [applied('b', 'count')] })]).a).toEqual([]);
  });

  it('takes what the running Lanner counted where that is more', () => {
    const last = { time: '2026-11-23T11:00:00.000000000Z', id: 'f-9', title: 't' };
    const live: LiveUses = { since: '2026-11-23T10:00:00.000000000Z', uses: [{ name: 'a', hits: 7, last }] };
    const [report] = reported([one('a')], [low({ exceptions: [applied('a')] })], { live }).exceptions;
    expect(report).toMatchObject({ hits: 7, hits_kept: 1, hits_since_start: 7, last });
  });
});
