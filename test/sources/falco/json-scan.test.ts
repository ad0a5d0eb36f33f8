import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentScanner } from '../../../src/sources/falco/json-scan.ts';
import { parseAlert } from '../../../src/sources/falco/message.ts';
import { earlyFields } from '../../../src/sources/falco/output-fields.ts';
import { alertScanner, type FieldSpans, newSpans } from '../../../src/sources/falco/spans.ts';
import { recordedLines } from '../../support/recordings.ts';

/** What spans tell, by the names of the fields. */
function told({ bytes, at, seconds, nanos, internal }: FieldSpans) {
  const texts = earlyFields.map((name, index) => [
    name,
    bytes.toString('utf8', at[index * 2], at[index * 2 + 1]),
  ]);
  return { fields: Object.fromEntries(texts.filter(([, text]) => text !== '')), seconds, nanos, internal };
}

const spans = newSpans();
const scan = documentScanner(spans);
/** From the bytes alone; undefined if they have to be parsed. */
const scanned = (text: string | Buffer) => (scan(Buffer.from(text)) ? told(spans) : undefined);
function parsed(text: string) {
  const own = newSpans();
  alertScanner(own)(parseAlert(text));
  return told(own);
}

const alert = (fields: string, rest = '"rule":"r","time":"2026-11-22T22:28:04.123Z"') =>
  `{"output_fields":${fields},${rest}}`;

const manyKeys = Array.from({ length: 700 }, (_, n) => [n === 690 ? 'proc.name' : `proc.aname[${n}]`, 'nc']);

it.each(['scenario.http', 'stock-rules.http'])('every alert of %s is read as parsing reads it', (name) => {
  const lines = recordedLines(`falco/${name}`).map(String);
  const taken = lines.filter((line) => scanned(line) !== undefined);
  expect(taken.length).toBeGreaterThan(lines.length * 0.95);
  for (const line of taken) expect(scanned(line)).toEqual(parsed(line));
});

describe('what it reads itself', () => {
  it.each([
    ['white space', alert(' { "proc.name" : "nc" ,\n"proc.pid":\t7 } ')],
    ['an escape', alert(String.raw`{"proc.cmdline":"sh -c \"a\\b\"\n","proc.name":"sh"}`)],
    ['an escape at the end', alert(String.raw`{"proc.cmdline":"sh \\","proc.name":"sh"}`)],
    ['a long text with escapes', alert(`{"proc.args":"${'x'.repeat(500)}\\"y\\\\","proc.pid":1}`)],
    ['unknown values', alert('{"proc.name":"<NA>","proc.exe":"","proc.cwd":null,"proc.pid":0}')],
    ['the last of two', alert('{"proc.name":"a","proc.name":"b","proc.exe":"a","proc.exe":null}')],
    ['true and false', alert('{"proc.is_exe_from_memfd":true,"proc.is_exe_upper_layer":false}')],
    ['a start in nanoseconds', alert('{"proc.pid.ts":1795407475594123456,"user.uid":-1}')],
    ['no fields', alert('{}')],
    ['more keys than are expected', alert(JSON.stringify(Object.fromEntries(manyKeys)))],
    [
      'tags and other words',
      alert('{}', '"rule":"r","tags":["a","b]"],"n":null,"time":"2026-11-22T22:28:04Z"'),
    ],
    ['another alphabet', alert('{"proc.cmdline":"écho ☃","proc.name":"écho"}')],
    ["Falco's own word", alert('{}', '"source":"internal","rule":"r","time":"2026-11-22T22:28:04.5Z"')],
  ])('%s', (_name, text) => {
    expect(scanned(text)).toEqual(parsed(text));
  });
});

describe('what it leaves to the parser', () => {
  it.each([
    ['an escape by number', alert(String.raw`{"proc.name":"\u006ec"}`)],
    ['an escape in a name', alert(String.raw`{"proc\u002ename":"nc"}`)],
    ['a list in the fields', alert('{"proc.name":["nc"]}')],
    ['a fraction', alert('{"proc.pid":1.5}')],
    ['no rule', alert('{}', '"time":"2026-11-22T22:28:04Z"')],
    ['no time', alert('{}', '"rule":"r"')],
    ['another form of time', alert('{}', '"rule":"r","time":"2026-11-22T22:28:04+01:00"')],
    ['fields twice', alert('{}', '"rule":"r","time":"2026-11-22T22:28:04Z","output_fields":{}')],
    ['a control character', alert('{"proc.name":"n\u0001c"}')],
    ['an unknown escape', alert(String.raw`{"proc.name":"n\qc"}`)],
    ['a comma too many', alert('{"proc.name":"nc",}')],
    ['half of it', alert('{"proc.name":"nc"}').slice(0, -1)],
    ['more behind it', `${alert('{}')}x`],
    ['a list', '[]'],
    ['nothing', ''],
  ])('%s', (_name, text) => {
    expect(scanned(text)).toBeUndefined();
  });
});

it('reads any fields and any text as parsing reads them, or leaves them to it', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom('"', '\\', 'a', '/', '\n', '{', '}', ',', ':'), maxLength: 60 }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constantFrom(null, '<NA>', 1.5, []),
  );
  const fields = fc.dictionary(fc.oneof(fc.constantFrom(...earlyFields), fc.string()), value);
  let taken = 0;
  fc.assert(
    fc.property(fields, fc.constantFrom(0, 1), fc.string(), (output_fields, indent, output) => {
      const document = {
        output,
        output_fields,
        rule: 'r',
        source: 'syscall',
        time: '2026-11-22T22:28:04.123456789Z',
      };
      const turned = Object.fromEntries(Object.entries(output_fields).reverse());
      const texts = [document, document, { ...document, output_fields: turned }, document].map((one) =>
        JSON.stringify(one, null, indent),
      );
      // What was read before tells what to expect, and no more.
      for (const text of texts) {
        const result = scanned(text);
        if (result === undefined) continue;
        taken += 1;
        expect(result).toEqual(parsed(text));
      }
    }),
    { numRuns: 1000 },
  );
  expect(taken).toBeGreaterThan(400);
});
