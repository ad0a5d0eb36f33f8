import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventOf } from '../../src/commands/judge.ts';
import { rememberAlike } from '../../src/detect/alike.ts';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { type Evidence, evidenceKey, processKey } from '../../src/detect/evidence.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import { indicators } from '../../src/detect/indicators/index.ts';
import { mitigations } from '../../src/detect/mitigations/index.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';

const examples = [...indicators, ...mitigations].flatMap((one) => [
  ...one.examples.fires,
  ...one.examples.silent,
]);
const corpus = readFileSync(new URL('../corpus/dev.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const events = [
  ...examples.map(exampleEvent),
  ...corpus.flatMap((line, at) => eventOf(line, at + 1, 'corpus').event ?? []),
];

/** The same command elsewhere and later: other ids, names, times and pids. */
function elsewhere(event: ExecEvent, n: number): ExecEvent {
  return {
    ...event,
    id: `other-${n}`,
    time: '2026-05-06T07:08:09.000000000Z',
    node: `node-${n}`,
    ...(event.container && {
      container: { ...event.container, id: `${n}`.padStart(64, 'a'), name: `c${n}` },
    }),
    ...(event.pod && { pod: { ...event.pod, namespace: `ns-${n}`, name: `p-${n}` } }),
    process: { ...event.process, pid: 10 + n, uid: 1000 + n, user: `u${n}` },
    ancestors: event.ancestors.map((one, at) => ({ ...one, pid: 100 + n + at })),
  };
}

describe('execs that are alike', () => {
  test('are judged as each by itself, whatever was judged before', () => {
    const detector = createDetector(defaultDetectConfig());
    for (const event of events)
      for (const one of [event, event, elsewhere(event, 1), elsewhere(event, 2)])
        for (const state of [{}, { seen_before: 3 }]) {
          // Whoever hears the steps has them taken.
          const fresh = detector.judge(one, state, () => {});
          detector.names(one);
          expect(JSON.stringify(detector.judge(one, state))).toBe(JSON.stringify(fresh));
        }
  });

  test('are judged once they were seen twice', () => {
    const alike = rememberAlike<string>();
    let judged = 0;
    const next = () => {
      judged += 1;
      return `judged ${judged}`;
    };
    const judge = (event: ExecEvent, keeps = true) => alike.judgement(event, next, () => keeps);
    const nc = exampleEvent({ run: 'nc h 1' });
    expect([judge(nc), judge(nc), judge(elsewhere(nc, 1)), judge(exampleEvent({ run: 'nc h 2' }))]).toEqual([
      'judged 1',
      'judged 2',
      'judged 2',
      'judged 3',
    ]);
    const under = exampleEvent({ run: 'nc h 1', by: ['nginx'] });
    expect([judge(under, false), judge(under, false), judge(under, false)]).toEqual([
      'judged 4',
      'judged 5',
      'judged 6',
    ]);
  });

  test('are few: what is remembered has a bound', () => {
    const alike = rememberAlike<number>();
    const nc = exampleEvent({ run: 'nc h 1' });
    const judge = () =>
      alike.judgement(
        nc,
        () => 1,
        () => true,
      );
    judge();
    judge();
    let asked = 0;
    for (let i = 0; i < 200; i += 1)
      alike.judgement(
        exampleEvent({ run: `nc h ${i + 2}` }),
        () => 1,
        () => true,
      );
    alike.judgement(
      nc,
      () => {
        asked += 1;
        return asked;
      },
      () => true,
    );
    expect(asked).toBe(1);
  });
});

/** All that a key stands for, in a form that tells undefined from absent no more than the detection does. */
function plainOf({ sensor, container, image, pod, process, ancestors }: Evidence): string {
  return JSON.stringify([
    sensor,
    container?.mounts,
    // Without probes or with none is the same.
    container?.probes?.length ? container.probes : undefined,
    [image?.repository, image?.reference, pod?.workload_kind],
    [process.tty, process.in_init_tree, process.exec_probe, process.facts, process.file ?? null],
    [process, ...ancestors].map((one) => [one.binary, one.exe, one.comm, one.argv, one.argv_quality]),
    [process, ...ancestors].map((one) => [one.argv0_known, one.arguments, one.cwd]),
    ancestors.map(({ place }) => place),
  ]);
}

test('two that differ in anything a judgement rests on have different keys', () => {
  const text = fc.constantFrom('', '-', '1', '1:', '[1;', '0:', 'a', 'ac', '2:ac', 'm1;', '\u0000');
  const option = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
  const words = fc.array(text, { maxLength: 3 });
  const flag = option(fc.boolean());
  const program = {
    binary: option(text),
    exe: option(text),
    comm: option(text),
    argv: words,
    argv_quality: fc.constantFrom('exact' as const, 'split' as const, 'lost' as const),
    argv0_known: fc.boolean(),
    arguments: option(text),
    cwd: option(text),
  };
  const file = fc.record({ memfd: flag, deleted: flag, unlinked: flag, upper_layer: flag });
  const mount = fc.record({ destination: text, type: text, read_only: flag });
  const evidence = fc.record({
    sensor: fc.constantFrom('falco' as const, 'tetragon' as const),
    container: option(
      fc.record({
        mounts: option(fc.array(mount, { maxLength: 2 })),
        probes: option(fc.array(words, { maxLength: 2 })),
      }),
    ),
    image: option(fc.record({ repository: option(text), reference: option(text) })),
    pod: option(fc.record({ workload_kind: option(text) })),
    process: fc.record({
      ...program,
      tty: flag,
      in_init_tree: flag,
      exec_probe: flag,
      facts: option(words),
      file: option(file),
    }),
    ancestors: fc.array(
      fc.record({ ...program, place: fc.constantFrom('container' as const, 'outside' as const) }),
      { maxLength: 2 },
    ),
  });
  const keyOf = (one: Evidence) => evidenceKey(processKey(one.process, one.sensor)!, one)!;
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(evidence, (one) => {
      const known = one as unknown as Evidence;
      const key = keyOf(known);
      const plain = plainOf(known);
      expect(seen.get(key) ?? plain).toBe(plain);
      seen.set(key, plain);
    }),
    { numRuns: 5000 },
  );
});

test('what is too long is not remembered', () => {
  const { process } = exampleEvent({ run: 'nc h 1' });
  expect(processKey({ ...process, argv: ['nc', 'x'.repeat(3000)] }, 'falco')).toBeUndefined();
});
