import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyTo } from '../../src/commands/tune.ts';
import { type TuneOptions, tuneFindings } from '../../src/commands/tune-effect.ts';
import { parseExceptions } from '../../src/config.ts';
import type { ArgvQuality } from '../../src/model/exec-event.ts';
import type { Finding, FindingPeer, Severity } from '../../src/model/finding.ts';
import { compileExceptions } from '../../src/route/exceptions.ts';
import { aFinding } from '../support/finding.ts';
import { temporaryDirectory } from '../support/spool.ts';

const options: TuneOptions = {
  max_severity: 'medium',
  min_count: 2,
  max_proposals: 20,
  expires: '2099-01-01',
  hiddenNow: () => false,
};

interface Shape {
  id: string;
  tool?: string;
  args?: string[];
  quality?: ArgvQuality;
  severity?: Severity;
  hard?: boolean;
  parent?: string | undefined;
  repository?: string | undefined;
  entered?: boolean;
  peers?: FindingPeer[];
}

function shaped({ id, tool = 'curl', args = ['-s', 'http://api/health'], ...shape }: Shape): Finding {
  const base = aFinding();
  const indicator = { ...base.indicators[0]!, hard: shape.hard ?? false };
  const { image: _image, ...exec } = base.exec;
  const repository = 'repository' in shape ? shape.repository : 'r/web';
  const parent = 'parent' in shape ? shape.parent : '/usr/sbin/crond';
  const { binary: _binary, ...above } = base.exec.ancestors[0]!;
  return {
    ...base,
    id,
    tool,
    severity: shape.severity ?? 'low',
    indicators: [indicator],
    ...(shape.peers !== undefined && { peers: shape.peers }),
    exec: {
      ...exec,
      id: `e-${id}`,
      pod: { namespace: 'shop', name: 'web-1' },
      ...(repository !== undefined && { image: { repository } }),
      process: {
        binary: `/usr/bin/${tool}`,
        argv: [tool, ...args],
        argv_quality: shape.quality ?? 'exact',
        argv0_known: true,
        in_init_tree: shape.entered !== true,
        ...(shape.quality === 'split' && { arguments: args.join(' ') }),
      },
      ancestors:
        shape.entered === true ? [] : [{ ...above, ...(parent !== undefined && { binary: parent }) }],
    },
  };
}
const many = (count: number, shape: Omit<Shape, 'id'>, prefix = 'f') =>
  Array.from({ length: count }, (_, i) => shaped({ ...shape, id: `${prefix}-${i}` }));
const tuned = (all: Finding[], change: Partial<TuneOptions> = {}) =>
  tuneFindings(() => all, { ...options, ...change });

describe('what tune proposes', () => {
  it('names everything that is the same, with its effect, reason and end', async () => {
    const all = [...many(4, {}), shaped({ id: 'other', args: ['http://evil/'], severity: 'high' })];
    const { proposals, seen, hidden } = await tuned(all);
    expect(proposals).toHaveLength(1);
    const [proposal] = proposals;
    expect(proposal).toMatchObject({
      total: 4,
      hides: { low: 4 },
      keeps: [{ id: 'other', severity: 'high' }],
    });
    expect(proposal!.exception).toMatchObject({
      mode: 'hide',
      expires: '2099-01-01',
      even_if: [],
      reason: expect.stringContaining('curl by /usr/sbin/crond in r/web ran 4 times'),
      match: {
        tool: 'curl',
        binary: '/usr/bin/curl',
        repository: 'r/web',
        namespace: 'shop',
        ancestors: { 1: '/usr/sbin/crond' },
        args: ['-s', 'http://api/health'],
        severity: '<=low',
        'exec.process.in_init_tree': true,
      },
    });
    expect([seen, hidden]).toEqual([{ low: 4, high: 1 }, { low: 4 }]);
  });

  it.each([
    ['a long number in a path', ['/run/job.123456/x', '/run/job.654321/x'], '/run/job.*/x'],
    [
      'a UUID',
      ['http://a/0b0e4a8e-1111-4222-8333-944455556666', 'http://a/1b0e4a8e-1111-4222-8333-944455556666'],
      'http://a/*',
    ],
    ['a counter in a path', ['http://a/in/r-7.csv', 'http://a/in/r-12.csv'], 'http://a/in/r-*.csv'],
    ['long numbers only where they suffice', ['/v1/123456', '/v1/654321'], '/v1/*'],
    ['nothing where it is always the same', ['http://a/123456', 'http://a/123456'], 'http://a/123456'],
    ['no star that was there', ['http://a/*?[x]', 'http://a/*?[x]'], 'http://a/[*][?][[]x]'],
    [
      'a secret that was taken out behind the address',
      ['http://a/?k=[redacted]', 'http://a/?k=[redacted]'],
      'http://a/[?]k=*',
    ],
  ])('folds %s', async (_what, words, pattern) => {
    const { proposals, hidden } = await tuned(words.map((word, i) => shaped({ id: `f-${i}`, args: [word] })));
    expect(proposals.map(({ exception }) => exception.match?.args)).toEqual([[pattern]]);
    expect(hidden).toEqual({ low: 2 });
  });

  it.each([
    ['peers that differ', ['http://123456789/', 'http://987654321/']],
    ['ports that differ', ['http://a:8080/x', 'http://a:8081/x']],
    ['numbers that are no path', ['7', '12']],
    ['peers without a scheme that differ', ['123456789', '987654321']],
  ])('does not fold %s', async (_what, words) => {
    const { proposals } = await tuned(words.map((word, i) => shaped({ id: `f-${i}`, args: [word] })));
    expect(proposals).toEqual([]);
  });

  it.each<[string, [string, string], string]>([
    ['the end of an address', ['10.20.0.7', '10.20.0.9'], '10.20.0.*'],
    ['its third part alone', ['10.20.1.0/24', '10.20.2.0/24'], '10.20.*.0/24'],
    ['both', ['http://10.20.1.7:80/a', 'http://10.20.2.9:80/a'], 'http://10.20.*.*:80/a'],
  ])('folds %s where all peers are inside, and asks for that', async (_what, words, pattern) => {
    const at = (place: FindingPeer['class']) =>
      words.map((word, i) =>
        shaped({ id: `${place}-${i}`, args: [word], peers: [{ role: 'connect', class: place }] }),
      );
    const { proposals, hidden } = await tuned([...at('internal'), ...at('public_ip'), ...at('unknown')]);
    expect(proposals.map(({ exception }) => exception.match)).toMatchObject([
      { args: [pattern], peer_class: ['internal'] },
    ]);
    expect(hidden).toEqual({ low: 2 });
  });

  it('proposes nothing that would hide what somebody labelled malicious', async () => {
    const label = { is: 'malicious' as const, time: '2026-11-22T12:00:00Z' };
    const all = ['http://a/1', 'http://a/2', 'http://a/3'].map((word, i) =>
      shaped({ id: `f-${i}`, args: [word] }),
    );
    const other = many(2, { args: ['http://b/'] }, 'o');
    expect((await tuned([...all, ...other])).proposals).toHaveLength(2);
    const labelled = [...all.slice(0, 2), { ...all[2]!, label }, ...other];
    const { proposals, not_proposed } = await tuned(labelled);
    expect(proposals.map(({ exception }) => exception.match?.args)).toEqual([['http://b/']]);
    expect(not_proposed).toEqual({ labelled_malicious: 1, like_malicious: 2 });
  });

  it('never folds the first half of an address', async () => {
    const peers: FindingPeer[] = [{ role: 'connect', class: 'internal' }];
    const all = ['10.20.0.7', '10.21.0.7'].map((word, i) => shaped({ id: `f-${i}`, args: [word], peers }));
    expect((await tuned(all)).proposals).toEqual([]);
  });

  it.each<[string, Omit<Shape, 'id'>, string]>([
    ['a hard indicator', { hard: true }, 'hard_indicator'],
    ['what is too severe', { severity: 'high' }, 'too_severe'],
    ['arguments that were lost', { quality: 'lost' }, 'arguments_unknown'],
    ['a parent that is not known', { parent: undefined }, 'parent_unknown'],
    ['a secret in the address', { args: ['http://u:[redacted]@h/'] }, 'secret_in_address'],
  ])('leaves %s alone, and says so', async (_what, shape, why) => {
    const { proposals, not_proposed } = await tuned(many(5, shape));
    expect(proposals).toEqual([]);
    expect(not_proposed).toEqual({ [why]: 5 });
  });

  it('leaves alone what is rare, what is hidden already, and what has no place', async () => {
    expect((await tuned(many(1, {}))).proposals).toEqual([]);
    expect((await tuned(many(5, {}), { hiddenNow: () => true })).proposals).toEqual([]);
    const { not_proposed } = await tuned(many(5, { repository: undefined }));
    expect(not_proposed).toEqual({ place_unknown: 5 });
  });

  it('compares joined arguments as a whole, and what was entered from outside as that', async () => {
    const joined = await tuned(many(3, { quality: 'split' }));
    expect(joined.proposals[0]!.exception.match).toMatchObject({ command_line: 'curl -s http://api/health' });
    expect(joined.hidden).toEqual({ low: 3 });
    const entered = await tuned(many(3, { entered: true }));
    expect(entered.proposals[0]!.exception.match).toMatchObject({ 'exec.process.in_init_tree': false });
    expect(entered.proposals[0]!.exception.match).not.toHaveProperty('ancestors');
    expect(entered.hidden).toEqual({ low: 3 });
  });

  it('judges by the severity before an exception lowered it', async () => {
    const lowered = many(3, { severity: 'info' }).map((one) => ({
      ...one,
      severity_before: 'high' as const,
    }));
    expect((await tuned(lowered)).not_proposed).toEqual({ too_severe: 3 });
  });
});

describe('for any history', () => {
  const word = fc.constantFrom(
    '-s',
    '*',
    '[x]',
    '!no',
    '<=low',
    'http://a/123456',
    'http://a/7654321',
    'a b',
    '',
    '"q"',
    '[redacted]',
    '/t/[redacted]',
  );
  const finding = fc.record({
    tool: fc.constantFrom('curl', 'netcat', '!x', '*'),
    args: fc.array(word, { maxLength: 3 }),
    quality: fc.constantFrom<ArgvQuality>('exact', 'exact', 'split', 'truncated'),
    severity: fc.constantFrom<Severity>('info', 'low', 'medium', 'high'),
    hard: fc.boolean(),
    parent: fc.constantFrom('/bin/sh', '/x/[*]', undefined),
    repository: fc.constantFrom('r/a', 'r/b', undefined),
    entered: fc.boolean(),
  });

  it('applying what is proposed hides exactly what it said, and never a hard indicator', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(finding, { maxLength: 40 }), async (shapes) => {
        const all = shapes.map((shape, i) => shaped({ ...shape, id: `f-${i}` }));
        const { proposals, hidden, seen } = await tuned(all, { min_count: 1 });
        const applied = compileExceptions(proposals.map(({ exception }) => exception));
        const gone = all.filter((one) => applied.apply(one).hidden);
        const counts: Partial<Record<Severity, number>> = {};
        for (const { severity } of gone) counts[severity] = (counts[severity] ?? 0) + 1;
        expect(counts).toEqual(hidden);
        expect(Object.values(seen).reduce((sum, one) => sum + one, 0)).toBe(all.length);
        expect(gone.filter(({ indicators }) => indicators.some(({ hard }) => hard))).toEqual([]);
        expect(gone.filter(({ severity }) => severity === 'high')).toEqual([]);
        for (const { exception, total } of proposals) {
          const alone = compileExceptions([exception]);
          expect(all.filter((one) => alone.apply(one).hidden)).toHaveLength(total);
          expect(total).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('what is written is read back as the same exceptions', async () => {
    const file = join(temporaryDirectory(), 'known.yaml');
    await fc.assert(
      fc.asyncProperty(fc.array(finding, { minLength: 1, maxLength: 20 }), async (shapes) => {
        const all = shapes.map((shape, i) => shaped({ ...shape, id: `f-${i}` }));
        const { proposals } = await tuned(all, { min_count: 1 });
        writeFileSync(file, 'exceptions: []\n');
        applyTo(
          file,
          proposals.map(({ exception }) => exception),
        );
        expect(parseExceptions(readFileSync(file, 'utf8'), file, {})).toEqual(
          proposals.map(({ exception }) => exception),
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe('a file of exceptions', () => {
  it('keeps what it has, and has no exception twice', async () => {
    const file = join(temporaryDirectory(), 'known.yaml');
    writeFileSync(
      file,
      '# ours\nexceptions:\n  - name: mine # by hand\n    reason: r\n    match: {tool: nc}\n',
    );
    const { proposals } = await tuned(many(3, {}));
    const exceptions = proposals.map(({ exception }) => exception);
    applyTo(file, exceptions);
    applyTo(file, exceptions);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('# ours');
    expect(text).toContain('# by hand');
    expect(parseExceptions(text, file, {}).map(({ name }) => name)).toEqual(['mine', exceptions[0]!.name]);
  });

  it('that is broken is refused and left as it is', async () => {
    const file = join(temporaryDirectory(), 'known.yaml');
    writeFileSync(file, 'exceptions: [{name: x}]\n');
    const { proposals } = await tuned(many(3, {}));
    expect(() =>
      applyTo(
        file,
        proposals.map(({ exception }) => exception),
      ),
    ).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    expect(readFileSync(file, 'utf8')).toBe('exceptions: [{name: x}]\n');
  });
});
