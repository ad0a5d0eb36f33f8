import { describe, expect, it } from 'vitest';
import { proposalsOf } from '../../src/commands/exception-proposals.ts';
import type { Finding, Severity } from '../../src/model/finding.ts';
import { compileExceptions } from '../../src/route/exceptions.ts';
import {
  type Learned,
  type LearningConfig,
  learningSchema,
  openLearning,
  parseSnapshot,
} from '../../src/route/learning.ts';
import { aFinding } from '../support/finding.ts';

const config: LearningConfig = learningSchema.parse({ enabled: true });
const soft = aFinding().indicators.filter(({ hard }) => !hard);

interface Shape {
  id?: string;
  minute?: number;
  digest?: string | undefined;
  args?: string[];
  severity?: Severity;
  hard?: boolean;
  started?: string;
}
function told({ minute = 0, args = ['-s', 'http://api.shop/health'], ...shape }: Shape = {}): Finding {
  const base = aFinding({
    id: shape.id ?? 'f-1',
    severity: shape.severity ?? 'low',
    time: `2026-11-22T${String(12 + Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00.000000000Z`,
    indicators: shape.hard === true ? aFinding().indicators : soft,
  });
  const { digest: _digest, reference: _reference, ...image } = base.exec.image!;
  const digest = 'digest' in shape ? shape.digest : 'r/web@sha256:1';
  return {
    ...base,
    exec: {
      ...base.exec,
      image: { ...image, ...(digest !== undefined && { digest }) },
      container: {
        ...base.exec.container!,
        ...(shape.started !== undefined && { started_at: shape.started }),
      },
      process: { ...base.exec.process, argv: ['curl', ...args] },
    },
  };
}
const options = { expires: '2099-01-01', minutes: 60 };

describe('what is learned of a new image', () => {
  it.each([
    ['a low pair in its first minutes', [told({ minute: 59 })], 'learned'],
    ['the same later', [told(), told({ minute: 61 })], 'window_over'],
    ['another image later', [told(), told({ minute: 61, digest: 'r/web@sha256:2' })], 'learned'],
    ['a container that started long ago', [told({ started: '2026-11-20T00:00:00Z' })], 'window_over'],
    ['a container that started now', [told({ started: '2026-11-22T11:59:00Z' })], 'learned'],
    ['a medium finding', [told({ severity: 'medium' })], 'too_severe'],
    ['a hard indicator', [told({ hard: true })], 'hard_indicator'],
    ['an image that did worse before', [told({ hard: true }), told({ minute: 1 })], 'image_suspect'],
    ['an image that did worse after it was new', [told(), told({ minute: 61, hard: true })], 'window_over'],
    ['no image', [told({ digest: undefined })], 'image_unknown'],
  ] as [string, Finding[], Learned][])('%s: %s', (_what, findings, expected) => {
    const learning = openLearning(() => config);
    expect(findings.map((finding) => learning.see(finding)).at(-1)).toBe(expected);
  });

  it('an exception that lowered it does not make it low', () => {
    const lowered: Finding = { ...told(), severity: 'low', severity_before: 'high' };
    expect(openLearning(() => config).see(lowered)).toBe('too_severe');
  });

  it('is proposed as an exception that hides the same and nothing else', () => {
    const learning = openLearning(() => config);
    learning.see(told());
    learning.see(told({ id: 'f-2', minute: 5 }));
    const proposals = proposalsOf(learning.snapshot(), options);
    expect(proposals).toHaveLength(1);
    expect(proposals[0]).toMatchObject({
      count: 2,
      exception: {
        mode: 'hide',
        expires: '2099-01-01',
        reason: expect.stringContaining('of r/web@sha256:1, new on this node'),
      },
    });
    const exceptions = compileExceptions(proposals.map(({ exception }) => exception));
    expect(exceptions.apply(told({ minute: 100 })).hidden).toBe(true);
    for (const other of [
      told({ args: ['-s', 'http://evil.example/'] }),
      told({ severity: 'medium' }),
      told({ hard: true }),
      told({ args: ['-s', 'http://api.shop/health', '-o', '/tmp/x'] }),
    ])
      expect(exceptions.apply(other).hidden).toBe(false);
  });

  it('is taken back if the image does worse while it is new', () => {
    const learning = openLearning(() => config);
    learning.see(told());
    expect(learning.counts()).toEqual({ images: 1, pairs: 1 });
    learning.see(told({ id: 'f-bad', minute: 3, severity: 'high' }));
    expect(learning.counts()).toEqual({ images: 1, pairs: 0 });
    expect(learning.snapshot().images).toMatchObject([{ suspect: 'f-bad', groups: [] }]);
    expect(proposalsOf(learning.snapshot(), options)).toEqual([]);
  });

  it('is taken back of what bears the same name, where the digest was not known of all', () => {
    const named = (finding: Finding): Finding => ({
      ...finding,
      exec: { ...finding.exec, image: { ...finding.exec.image, reference: 'r/web:1' } },
    });
    const nameless = named(told({ digest: undefined }));
    const bad = named(told({ id: 'f-bad', minute: 1, hard: true }));
    const before = openLearning(() => config);
    expect([before.see(nameless), before.see(bad), before.see(nameless)]).toEqual([
      'learned',
      'hard_indicator',
      'image_suspect',
    ]);
    expect(before.counts()).toEqual({ images: 2, pairs: 0 });
    const after = openLearning(() => config);
    expect([after.see(bad), after.see(nameless)]).toEqual(['hard_indicator', 'image_suspect']);
    // Another digest under that name is another image.
    expect(after.see(named(told({ digest: 'r/web@sha256:2', minute: 2 })))).toBe('learned');
  });

  it('is bounded in images and in pairs', () => {
    const small = learningSchema.parse({ enabled: true, max_images: 2, max_pairs: 3 });
    const learning = openLearning(() => small);
    const seen = [1, 2, 3, 4].map((n) => learning.see(told({ args: [`http://h${n}.shop/`] })));
    expect(seen).toEqual(['learned', 'learned', 'learned', 'too_many_groups']);
    expect(learning.see(told({ args: ['http://h1.shop/'] }))).toBe('learned');
    for (const n of [2, 3]) learning.see(told({ digest: `r/web@sha256:${n}` }));
    expect(learning.counts()).toEqual({ images: 2, pairs: 1 });
  });
});

describe('over a restart', () => {
  it('goes on where it was', () => {
    const first = openLearning(() => config);
    first.see(told());
    first.see(told({ digest: 'r/web@sha256:2', hard: true }));
    const before = parseSnapshot(JSON.stringify(first.snapshot()))!;
    expect(before).toEqual(first.snapshot());
    const second = openLearning(() => config, before);
    expect(second.counts()).toEqual(first.counts());
    expect(second.see(told({ minute: 61 }))).toBe('window_over');
    expect(second.see(told({ digest: 'r/web@sha256:2', minute: 1 }))).toBe('image_suspect');
    second.see(told({ minute: 2 }));
    expect(second.snapshot().images[0]!.groups).toMatchObject([{ count: 2 }]);
  });

  it.each(['', '{}', '[1]', '{"version":2,"images":[]}', '{"version":1,"images":[{"image":"x"}]}'])(
    'does not take %j for a snapshot',
    (text) => {
      expect(parseSnapshot(text)).toBeUndefined();
    },
  );
});
