import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interest } from '../../../src/model/intake.ts';
import { openFalcoReader } from '../../../src/sources/falco/reader.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { allInterest, noInterest, testIntake } from '../../support/intake.ts';
import { recordedLines, recordedMessages } from '../../support/recordings.ts';

function open(interest: Interest = allInterest, warnings: string[] = []) {
  const intake = testIntake({ interest });
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  return { intake, reader: openFalcoReader({ source: 'falco', intake, log }) };
}
const document = (fields: Record<string, unknown>, rule = 'r', source = 'syscall') =>
  Buffer.from(JSON.stringify({ rule, source, time: '2026-11-22T22:28:04Z', output_fields: fields }));
const exec = (fields: Record<string, unknown> = {}) =>
  document({ 'evt.type': 'execve', 'container.id': 'c1', 'proc.name': 'nc', ...fields });

it('keeps every exec in a container as context of later findings', () => {
  const { intake, reader } = open(noInterest);
  for (const message of recordedMessages('falco/scenario')) reader.message(message);
  const recent = intake.recent.around('3c9050163c6e', 0, Number.POSITIVE_INFINITY, 100);
  expect(recent.map(({ text, pid }) => [text, pid])).toEqual([
    ['curl -fsS -m 2 http://127.0.0.1:8080/healthz?s040.lab.invalid', 31097],
    ['/bin/sh /tmp/s166.lab.invalid.sh', 3262],
    ['nc -w 1 s166.lab.invalid 4444', 3346],
  ]);
});

describe('recordings of Falco', () => {
  it.each([
    [
      'scenario',
      { messages: 126, execs: 105, container_execs: 105, failed_execs: 21, other_alerts: 0, internal: 0 },
    ],
    [
      'scenario-jsonout',
      { messages: 125, execs: 104, container_execs: 104, failed_execs: 21, other_alerts: 0, internal: 0 },
    ],
    [
      'scenario-lean',
      { messages: 126, execs: 105, container_execs: 105, failed_execs: 21, other_alerts: 0, internal: 0 },
    ],
    [
      'scenario-stock',
      { messages: 122, execs: 57, container_execs: 56, failed_execs: 0, other_alerts: 65, internal: 0 },
    ],
    [
      'storm-lean',
      { messages: 5000, execs: 5000, container_execs: 5000, failed_execs: 0, other_alerts: 0, internal: 0 },
    ],
    [
      'internal',
      {
        messages: 80,
        execs: 77,
        container_execs: 77,
        failed_execs: 0,
        other_alerts: 0,
        internal: 3,
        sensor_loss_reports: 1,
        sensor_lost_events: 1,
      },
    ],
    [
      'bad-utf8',
      { messages: 7, execs: 4, container_execs: 4, failed_execs: 3, other_alerts: 0, internal: 0 },
    ],
  ])('%s is read whole', (name, counts) => {
    const { intake, reader } = open();
    for (const message of recordedMessages(`falco/${name}`)) reader.message(message);
    expect(intake.counts).toMatchObject({ ...counts, unreadable: 0, early_rejected: 0 });
    expect(intake.events).toHaveLength(counts.container_execs);
    expect(intake.alerts).toHaveLength(counts.other_alerts);
  });

  it.each([
    ['scenario.http', { messages: 125, execs: 104, failed_execs: 21, other_alerts: 0 }],
    ['stock-rules.http', { messages: 122, execs: 57, failed_execs: 0, other_alerts: 65 }],
  ])('%s is read whole', (name, counts) => {
    const { intake, reader } = open();
    for (const line of recordedLines(`falco/${name}`)) reader.document(line);
    expect(intake.counts).toMatchObject({ ...counts, unreadable: 0 });
  });

  it('give the same events as messages and as documents of one run', () => {
    const messages = open();
    for (const message of recordedMessages('falco/scenario-jsonout')) messages.reader.message(message);
    const documents = open();
    for (const line of recordedLines('falco/scenario.http')) documents.reader.document(line);
    const byId = new Map(messages.intake.events.map((event) => [event.id, event]));
    expect(documents.intake.events).toHaveLength(104);
    for (const event of documents.intake.events) expect(event).toEqual(byId.get(event.id));
  });
});

describe('early test', () => {
  it('dismisses what does not interest, before anything is decoded', () => {
    const { intake, reader } = open(noInterest);
    for (const message of recordedMessages('falco/storm-lean')) reader.message(message);
    expect(intake.counts).toMatchObject({ execs: 5000, early_rejected: 5000, judged: 0 });
  });

  it('lets files through that are no part of the image, whatever they are called', () => {
    const { intake, reader } = open(noInterest);
    for (const message of recordedMessages('falco/scenario')) reader.message(message);
    const files = intake.events.map((event) => event.process.exe);
    expect(files).toContain('memfd:x');
    expect(files).toContain('/tmp/.systemd-helper');
    expect(intake.events.every((event) => event.process.file?.memfd || event.process.file?.upper_layer)).toBe(
      true,
    );
  });

  it.each([
    ['proc.exepath', 'path'],
    ['proc.exe', 'path'],
    ['proc.name', 'path'],
    ['proc.cmdline', 'text'],
    ['proc.exeline', 'text'],
    ['proc.args', 'text'],
  ])('asks about %s', (field, kind) => {
    const wants = (name: string) => (bytes: Uint8Array, start: number, end: number) =>
      name === kind && Buffer.from(bytes.subarray(start, end)).toString() === 'WANTED';
    const { intake, reader } = open({ path: wants('path'), text: wants('text'), exec: () => false });
    reader.document(exec({ [field]: 'WANTED' }));
    reader.document(exec({ [field]: 'OTHER' }));
    expect(intake.events).toHaveLength(1);
  });

  it('never lets an exec of the host through', () => {
    const { intake, reader } = open();
    reader.document(exec({ 'container.id': 'host' }));
    expect(intake.counts).toMatchObject({ execs: 1, container_execs: 0, early_rejected: 0 });
    expect(intake.events).toEqual([]);
  });
});

describe('kind of a message', () => {
  it.each([
    ['a successful execve', exec({ 'evt.res': 'SUCCESS' }), 'exec'],
    ['an execve without a result', exec(), 'exec'],
    ['an execveat', exec({ 'evt.type': 'execveat' }), 'exec'],
    ['an execve that failed', exec({ 'evt.res': 'ENOENT' }), 'failed_exec'],
    ['the entry of an execve', exec({ 'evt.dir': '>' }), 'failed_exec'],
    ['the exit of an execve', exec({ 'evt.dir': '<' }), 'exec'],
    ['another call', document({ 'evt.type': 'openat', 'container.id': 'c1' }), 'alert'],
    ['an alert that does not tell the call', document({ 'container.id': 'c1' }), 'alert'],
    [
      "Falco's own word",
      document({ n_drops: '7' }, 'Falco internal: syscall event drop', 'internal'),
      'internal',
    ],
  ])('%s', (_name, bytes, kind) => {
    expect(open().reader.document(bytes).kind).toBe(kind);
  });

  it('an alert that is no exec goes to the context of its container', () => {
    const { intake, reader } = open();
    reader.document(document({ 'evt.type': 'openat', 'container.id': 'c1' }, 'Read sensitive file'));
    expect(intake.alerts).toEqual([
      expect.objectContaining({ container_id: 'c1', rule: 'Read sensitive file', source: 'falco' }),
    ]);
  });
});

describe('losses that Falco reports', () => {
  it('are added up once, although two reports speak of them', () => {
    const { intake, reader } = open();
    const drops = (n: number) => reader.document(document({ n_drops: String(n) }, 'd', 'internal'));
    const snapshot = (kernel: number, queue = 0) =>
      reader.document(
        document({ 'scap.n_drops': kernel, 'falco.outputs_queue_num_drops': queue }, 'm', 'internal'),
      );
    snapshot(100, 5);
    expect(intake.counts.sensor_lost_events).toBe(0);
    drops(7);
    expect(intake.counts.sensor_lost_events).toBe(7);
    snapshot(107, 5);
    expect(intake.counts.sensor_lost_events).toBe(7);
    snapshot(120, 6);
    expect(intake.counts.sensor_lost_events).toBe(21);
    snapshot(3, 0);
    expect(intake.counts.sensor_lost_events).toBe(24);
    expect(intake.counts.internal).toBe(5);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['text that is no JSON', 'hello', 'not_json'],
    ['half a document', '{"rule":"r","output_fie', 'not_json'],
    ['JSON that is no alert', '{"kind":"Event"}', 'not_falco_json'],
    ['text output', '22:28:04.300413560: Notice A shell (user=root)', 'falco_text_output'],
    [
      'text output with an ISO time',
      '2026-11-22T22:28:04.300413560+0000: Warning A shell',
      'falco_text_output',
    ],
  ])('%s is counted, and the rest goes on', (_name, text, reason) => {
    const { intake, reader } = open();
    expect(reader.document(Buffer.from(text))).toMatchObject({ kind: 'unreadable', reason });
    reader.document(exec());
    expect(intake.counts).toMatchObject({ messages: 2, unreadable: 1, dropped: { [reason]: 1 } });
    expect(intake.events).toHaveLength(1);
  });

  it('any bytes whatever as a message are read or counted, and nothing is thrown', () => {
    const { intake, reader } = open();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const before = intake.counts.unreadable;
        const { kind } = reader.message(Buffer.from(bytes));
        return intake.counts.unreadable === before + (kind === 'unreadable' ? 1 : 0);
      }),
    );
  });

  it('any bytes changed in a real message are read or counted, and nothing is thrown', () => {
    const { intake, reader } = open();
    const messages = recordedMessages('falco/scenario').slice(0, 20);
    fc.assert(
      fc.property(
        fc.nat(messages.length - 1),
        fc.array(fc.tuple(fc.nat(5000), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 9 }),
        (index, changes) => {
          const bytes = Buffer.from(messages[index]!);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const before = intake.counts.messages;
          reader.message(bytes);
          return intake.counts.messages === before + 1;
        },
      ),
    );
  });

  it('a value longer than any buffer of ours is judged whole', () => {
    const { intake, reader } = open();
    const long = `nc ${'x'.repeat(300_000)}`;
    reader.document(exec({ 'proc.cmdline': long, 'proc.pid': 1 }));
    expect(intake.events[0]?.process.argv[1]).toHaveLength(300_000);
  });

  it('a rule without container.id is named once in the log', () => {
    const warnings: string[] = [];
    const { intake, reader } = open(allInterest, warnings);
    for (let i = 0; i < 3; i += 1)
      reader.document(document({ 'evt.type': 'execve', 'proc.name': 'nc' }, 'thin'));
    reader.document(exec({ 'container.id': 'host' }));
    expect(warnings).toHaveLength(1);
    expect(intake.counts.execs).toBe(4);
  });
});

describe('memory of processes', () => {
  const run = (fields: Record<string, unknown>) =>
    exec({ 'proc.exepath': `/bin/${String(fields['proc.name'])}`, ...fields });
  const names = (intake: ReturnType<typeof testIntake>) =>
    intake.events.at(-1)?.ancestors.map((up) => [up.comm, up.from]);

  it('works without the start times of processes, as far as names agree', () => {
    const { intake, reader } = open();
    reader.document(run({ 'proc.name': 'sh', 'proc.pid': 10, 'proc.ppid': 9, 'proc.pname': 'runc' }));
    reader.document(run({ 'proc.name': 'nc', 'proc.pid': 11, 'proc.ppid': 10 }));
    expect(names(intake)).toEqual([
      ['sh', 'table'],
      ['runc', 'table'],
    ]);
    reader.document(run({ 'proc.name': 'nc', 'proc.pid': 12, 'proc.ppid': 10, 'proc.pname': 'bash' }));
    expect(names(intake)).toEqual([['bash', 'sensor']]);
  });

  it('does not take a process of another start for the parent', () => {
    const { intake, reader } = open();
    reader.document(run({ 'proc.name': 'sh', 'proc.pid': 10, 'proc.pid.ts': 100 }));
    reader.document(
      run({ 'proc.name': 'nc', 'proc.pid': 11, 'proc.pid.ts': 300, 'proc.ppid': 10, 'proc.ppid.ts': 200 }),
    );
    expect(names(intake)).toEqual([]);
    reader.document(
      run({ 'proc.name': 'nc', 'proc.pid': 12, 'proc.pid.ts': 300, 'proc.ppid': 10, 'proc.ppid.ts': 100 }),
    );
    expect(names(intake)).toEqual([['sh', 'table']]);
  });

  it('keeps containers apart', () => {
    const { intake, reader } = open();
    reader.document(run({ 'proc.name': 'sh', 'proc.pid': 10, 'container.id': 'c2' }));
    reader.document(run({ 'proc.name': 'nc', 'proc.pid': 11, 'proc.ppid': 10 }));
    expect(names(intake)).toEqual([]);
  });

  it('does not take a second rule for the same exec as a second program', () => {
    const { intake, reader } = open();
    const twice = run({ 'proc.name': 'nc', 'proc.pid': 10, 'proc.pid.ts': 100 });
    reader.document(twice);
    reader.document(twice);
    expect(intake.events[1]?.process.facts).toBeUndefined();
    expect(intake.events[1]?.id).toBe(intake.events[0]?.id);
  });

  it('holds with ancestors that name themselves as parent', () => {
    const { intake, reader } = open();
    const loop = { 'proc.name': 'sh', 'proc.pid': 10, 'proc.pid.ts': 1, 'proc.ppid': 10, 'proc.ppid.ts': 1 };
    for (let i = 0; i < 6; i += 1)
      reader.document(Buffer.from(run(loop).toString().replace('22:28:04Z', `22:28:0${i}Z`)));
    expect(intake.counts.unreadable).toBe(0);
    expect(intake.events.at(-1)!.ancestors.length).toBeLessThan(32);
  });
});
