import { describe, expect, it } from 'vitest';
import { lannerFormat } from '../../../src/deliver/formats/lanner.ts';
import { findings } from '../../support/finding.ts';

describe('a body made from JSON that is at hand', () => {
  const context = [
    { time: '2026-11-22T12:00:00Z', kind: 'exec' as const, text: 'curl https://example.test/' },
  ];
  const batch = findings(3, { title: 'Ünïcode "quoted"', context }).map((finding) => ({
    id: `${finding.id}:1:ops`,
    sink: 'ops',
    finding,
  }));
  const json = batch.map(({ finding }) => Buffer.from(JSON.stringify(finding)));
  const parcel = { id: 'd_1', sink: 'ops', batch };

  it.each(['array', 'ndjson'] as const)('is the same as one made from the findings: %s', (lines) => {
    const format = lannerFormat(lines);
    const made = format.render(parcel);
    expect(format.render(parcel, { json })).toEqual(made);
    const text = String(made.body);
    const read =
      lines === 'array'
        ? JSON.parse(text)
        : text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line));
    expect(read).toEqual(batch.map(({ finding }) => finding));
  });

  it('is that of the one finding, byte by byte', () => {
    const [single, bytes] = [batch[0]!, json[0]!];
    expect(lannerFormat().render(single, { json: [bytes] }).body).toBe(bytes);
    expect(String(lannerFormat().render(single).body)).toBe(String(bytes));
  });

  it('is not, where the receiver wants it shorter', () => {
    const compact = lannerFormat().render(parcel, { compact: true });
    expect(lannerFormat().render(parcel, { compact: true, json })).toEqual(compact);
    expect(String(compact.body).length).toBeLessThan(String(lannerFormat().render(parcel).body).length);
  });
});
