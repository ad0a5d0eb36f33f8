import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { createDetector } from '../../src/detect/index.ts';
import { judgeEvent } from '../../src/detect/judge.ts';
import { buildSettings } from '../../src/detect/settings.ts';
import { openFalcoReader } from '../../src/sources/falco/reader.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { allInterest, testIntake } from '../support/intake.ts';

const config = defaultDetectConfig();
const settings = buildSettings(config);
const { interest } = createDetector(config);

/** What Falco tells of a multi-call program, by its names and arguments. */
interface Started {
  exepath: string;
  exe: string;
  name: string;
  args: string;
}

function readWith(chosen: typeof interest, { exepath, exe, name, args }: Started) {
  const intake = testIntake({ interest: chosen });
  const output_fields = {
    'evt.type': 'execve',
    'container.id': '3c9050163c6e',
    'proc.exepath': exepath,
    'proc.exe': exe,
    'proc.name': name,
    'proc.args': args,
    'proc.cmdline': `${name} ${args}`,
  };
  const document = { rule: 'r', source: 'syscall', time: '2026-11-22T22:28:04Z', output_fields };
  openFalcoReader({ source: 'falco', intake, log: silentLog }).document(
    Buffer.from(JSON.stringify(document)),
  );
  return intake.events[0];
}

function isReported(started: Started): boolean {
  const event = readWith(allInterest, started);
  const judged = event && judgeEvent(event, settings, {});
  return judged !== undefined && judged.score.severity !== 'none';
}

test('an applet of a multi-call program is dismissed early only if it would not be reported', () => {
  const names = [...settings.taxonomy.byApplet.keys(), ...settings.taxonomy.byName.keys()];
  const name = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom(
      'busybox',
      'toybox',
      'sh',
      'ash',
      'exe',
      'echo',
      'ls',
      '-sh',
      '3',
      'run.sh',
      'env',
      'timeout',
    ),
  );
  const words = fc.constantFrom(
    ...[
      'nc',
      'busybox',
      '-e',
      '/bin/sh',
      '-lvnp4444',
      '203.0.113.9',
      '4444',
      '-c',
      'http://203.0.113.9/x',
      '-O',
    ],
    ...[
      '/tmp/x',
      '|',
      'sh',
      '-l',
      '-p',
      '23',
      '-f',
      '/dev/tcp/203.0.113.9/1',
      'run.sh',
      '/tmp/run.sh',
      'echo',
    ],
  );
  const started = fc.record({
    exepath: fc.constantFrom(
      '/bin/busybox',
      '/usr/bin/busybox',
      '/bin/toybox',
      '/tmp/busybox',
      '/bin/busybox.x',
    ),
    own: name,
    other: fc.option(name, { freq: 3 }),
    place: fc.constantFrom('/bin/', '/usr/bin/', '/tmp/', '/opt/.h/', ''),
    args: fc.array(words, { maxLength: 5 }).map((list) => list.join(' ')),
  });
  let found = 0;
  fc.assert(
    fc.property(started, ({ exepath, own, other, place, args }) => {
      const one = { exepath, exe: place + own, name: (other ?? own).slice(0, 15), args };
      if (!isReported(one)) return;
      found += 1;
      expect(readWith(interest, one), JSON.stringify(one)).toBeDefined();
    }),
    { numRuns: 3000 },
  );
  expect(found).toBeGreaterThan(300);
});

test.each<[string, Started, boolean]>([
  ['echo', { exepath: '/bin/busybox', exe: '/bin/echo', name: 'echo', args: 'a b' }, false],
  ['echo in another place', { exepath: '/tmp/busybox', exe: '/bin/echo', name: 'echo', args: 'a b' }, true],
  ['nc', { exepath: '/bin/busybox', exe: 'nc', name: 'nc', args: '-w 1 h 4444' }, true],
  ['nc as an argument', { exepath: '/bin/busybox', exe: 'busybox', name: 'busybox', args: 'nc -l' }, true],
  ['nc under a false name', { exepath: '/bin/busybox', exe: 'nc', name: 'echo', args: '-l' }, true],
  ['a name that is no file', { exepath: '/bin/busybox', exe: '/bin/echo', name: 'run.sh', args: '' }, true],
])('%s of busybox', (_name, started, passes) => {
  expect(readWith(interest, started) !== undefined).toBe(passes);
});
