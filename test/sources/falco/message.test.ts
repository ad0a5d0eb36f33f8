import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { decodeAlert, NotFalcoError, parseAlert } from '../../../src/sources/falco/message.ts';
import { recordedLines, recordedMessages } from '../../support/recordings.ts';

const proto = join(import.meta.dirname, '../../../proto/falco');
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => (target.startsWith('google/') ? target : join(proto, target));
root.loadSync(readdirSync(proto), { keepCase: true });
const Response = root.lookupType('falco.outputs.response');

const document = {
  hostname: 'node-1',
  output: '22:28:04.300413560: Notice x',
  priority: 'Notice',
  rule: 'A rule',
  source: 'syscall',
  tags: ['container', 'process'],
  time: '2026-11-22T22:28:04.300413560Z',
  output_fields: { 'evt.type': 'execve' } as Record<string, unknown>,
};
const withFields = (fields: Record<string, unknown>) =>
  JSON.stringify({ ...document, output_fields: fields });

describe('falco.outputs.response', () => {
  it.each(['scenario', 'scenario-lean', 'scenario-stock', 'storm-lean', 'internal'])(
    'of the recording %s is read as a full decoder of proto/ reads it',
    (name) => {
      for (const bytes of recordedMessages(`falco/${name}`).slice(0, 400)) {
        const whole = Response.toObject(Response.decode(bytes), { longs: Number, defaults: true });
        const alert = decodeAlert(bytes);
        const { rule, output, hostname, source, tags } = alert;
        expect({ rule, output, hostname, source, tags }).toEqual({
          rule: whole.rule,
          output: whole.output,
          hostname: whole.hostname,
          source: whole.source,
          tags: whole.tags,
        });
        expect(alert.priority.toUpperCase()).toBe(
          root.lookupEnum('falco.schema.priority').valuesById[whole.priority],
        );
        const known = Object.entries<string>(whole.output_fields).filter(
          ([, value]) => value !== '' && value !== '<NA>',
        );
        expect(Object.fromEntries(alert.fields)).toEqual(Object.fromEntries(known));
        const seconds = Date.parse(`${alert.time.slice(0, 19)}Z`) / 1000;
        expect([seconds, Number(alert.time.slice(20, 29))]).toEqual([whole.time.seconds, whole.time.nanos]);
      }
    },
  );

  it('with invalid UTF-8 is read where a strict decoder loses the whole message', () => {
    const messages = recordedMessages('falco/bad-utf8');
    const strict = messages.filter((bytes) => {
      try {
        Response.decode(bytes);
        return false;
      } catch {
        return true;
      }
    });
    expect(strict.length).toBeGreaterThan(0);
    for (const bytes of strict) expect(decodeAlert(bytes).fields.get('proc.cmdline')).toContain('\uFFFD');
  });

  it('keeps the time to the nanosecond', () => {
    const time = { seconds: 1_795_386_415, nanos: 7 };
    expect(decodeAlert(Response.encode({ time }).finish()).time).toBe('2026-11-22T22:26:55.000000007Z');
  });

  it('has the priority Emergency where the field is absent', () => {
    expect(decodeAlert(Buffer.alloc(0)).priority).toBe('Emergency');
  });

  it.each([
    ['a length past the end', [0x22, 0x7f, 0x41]],
    ['an unfinished varint', [0x22, 0xff]],
    ['a group', [0x0b]],
  ])('with %s throws', (_name, bytes) => {
    expect(() => decodeAlert(Buffer.from(bytes))).toThrow();
  });
});

describe('JSON document of Falco', () => {
  it('tells the same as the gRPC message of the same exec', () => {
    const byTime = new Map(
      recordedMessages('falco/scenario-jsonout')
        .map(decodeAlert)
        .map((one) => [one.time, one]),
    );
    const documents = recordedLines('falco/scenario.http').map((line) => parseAlert(line.toString()));
    expect(documents).toHaveLength(125);
    for (const { fields, ...alert } of documents) {
      const { fields: other, ...message } = byTime.get(alert.time)!;
      // gRPC carries the whole JSON document in `output` when json_output is on.
      expect({ ...alert, output: '' }).toEqual({ ...message, output: '' });
      const onlyJson = new Set(['evt.time', 'evt.time.iso8601']);
      for (const [key, value] of fields)
        if (!onlyJson.has(key)) expect([key, other.get(key)]).toEqual([key, value]);
      for (const key of other.keys()) if (!onlyJson.has(key)) expect(fields.has(key), key).toBe(true);
    }
  });

  it.each([
    ['1795386484281817899', '1795386484281817899'],
    ['18446744073709551615', '18446744073709551615'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['9007199254740993', '9007199254740993'],
    ['12', '12'],
    ['-1', '-1'],
    ['94.8', '94.8'],
  ])('keeps the number %s digit for digit', (written, expected) => {
    const text = withFields({ 'proc.cmdline': '"proc.pid.ts":1', 'proc.pid.ts': 'X' }).replace(
      '"X"',
      written,
    );
    expect(parseAlert(text).fields.get('proc.pid.ts')).toBe(expected);
  });

  it('keeps a long number exact with spaces round the colon and the same key outside the fields', () => {
    const text = `{"proc.pid.ts": 1795386484281817001, "rule":"r", "output_fields" : { "proc.pid.ts" :\n 1795386484281817899 }}`;
    expect(parseAlert(text).fields.get('proc.pid.ts')).toBe('1795386484281817899');
  });

  it.each([[null], [''], ['<NA>']])('leaves out a field whose value is %j', (value) => {
    expect(parseAlert(withFields({ 'proc.pname': value, 'proc.name': 'nc' })).fields).toEqual(
      new Map([['proc.name', 'nc']]),
    );
  });

  it('reads booleans as gRPC writes them', () => {
    const { fields } = parseAlert(withFields({ a: true, b: false }));
    expect([fields.get('a'), fields.get('b')]).toEqual(['true', 'false']);
  });

  it("reads falcosidekick's webhook payload, whose additions change nothing", () => {
    const sidekick = JSON.stringify({
      uuid: '0f1c9b6e-1d1b-4a6e-9d0a-7c1f3b1f7a11',
      ...document,
      output_fields: { ...document.output_fields, cluster: 'prod', 'evt.time': 0 },
    }).replace('"evt.time":0', '"evt.time":1795386484300413560');
    const alert = parseAlert(sidekick);
    expect(alert).toMatchObject({ rule: 'A rule', time: document.time, hostname: 'node-1' });
    expect(alert.fields.get('evt.time')).toBe('1795386484300413560');
  });

  it('takes the time from evt.time if it has no other', () => {
    const text = `{"rule":"r","output_fields":{"evt.time":1795386484300413560}}`;
    expect(parseAlert(text).time).toBe('2026-11-22T22:28:04.300413560Z');
  });

  it.each([
    ['2026-11-22T22:28:04.3Z', '2026-11-22T22:28:04.300000000Z'],
    ['2026-11-23T00:28:04.300413560+02:00', '2026-11-22T22:28:04.300413560Z'],
  ])('brings the time %s to UTC with nine digits', (time, expected) => {
    expect(parseAlert(JSON.stringify({ ...document, time })).time).toBe(expected);
  });

  it.each(['[]', '"x"', '5', 'null', '{}', '{"rule":5}', '{"rule":"r","output_fields":[]}'])(
    'is refused where it is %s',
    (text) => {
      expect(() => parseAlert(text)).toThrow(NotFalcoError);
    },
  );

  it('survives hostile keys', () => {
    const { fields } = parseAlert('{"rule":"r","output_fields":{"__proto__":"x","constructor":"y"}}');
    expect(fields.get('__proto__')).toBe('x');
    expect({}.constructor).toBe(Object);
  });
});
