import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isKeptFile, openKeptFiles } from '../../src/commands/kept-files.ts';
import { cloudeventsFormat } from '../../src/deliver/formats/cloudevents.ts';
import { compactFinding } from '../../src/deliver/formats/compact.ts';
import { lannerFormat } from '../../src/deliver/formats/lanner.ts';
import type { Delivery, Parcel } from '../../src/model/delivery.ts';
import type { Kept, Miss } from '../../src/model/history.ts';
import { aFinding } from '../support/finding.ts';
import { fixture } from '../support/fixtures.ts';
import { temporaryDirectory } from '../support/spool.ts';

const id = (n: number) => `f-${String(n).padStart(24, '0')}`;
const finding = (n: number, revision = 1) => aFinding({ id: id(n), revision });
const miss = (n: number): Miss => {
  const { time, score, indicators, exec } = aFinding();
  return {
    schema: 'lanner.miss/v1',
    id: `m-${id(n).slice(2)}`,
    time,
    severity: 'none',
    score,
    tool: 'curl',
    indicators,
    floor: 'low',
    exec,
  };
};
const delivery = (n: number): Delivery => ({ id: `d${n}`, sink: 's', finding: finding(n) });
const line = (...all: unknown[]) => `${all.map((one) => JSON.stringify(one)).join('\n')}\n`;
const body = (format: ReturnType<typeof lannerFormat>, parcel: Parcel) => String(format.render(parcel).body);

async function read(...contents: (string | Buffer)[]) {
  const folder = temporaryDirectory();
  const paths = contents.map((_text, i) => join(folder, `file${i}`));
  for (const [i, text] of contents.entries()) writeFileSync(paths[i]!, text);
  const source = openKeptFiles(paths);
  const kept: Kept[] = [];
  for await (const one of source.read()) kept.push(one);
  const over = source.passedOver();
  return {
    ids: kept.map((one) => `${one.id.replace(/-0+/, '')}${'revision' in one ? `:${one.revision}` : ''}`),
    kept,
    places: over.places.map((place) => place.replace(`${folder}/`, '')),
    skipped: over.skipped,
    repeats: over.repeats,
    paths,
    source,
  };
}

const structured = cloudeventsFormat('structured');
const batch: Parcel = { id: 'b', sink: 's', batch: [delivery(1), delivery(2)] };

describe('files of findings', () => {
  it.each<[string, string | Buffer, string[]]>([
    ['an export of the history', line(finding(1), finding(2)), ['f1:1', 'f2:1']],
    ['one that is gzipped', gzipSync(line(finding(1), finding(2))), ['f1:1', 'f2:1']],
    ['without a line end', JSON.stringify(finding(1)), ['f1:1']],
    [
      'with Windows line ends and empty lines',
      line(finding(1), '', finding(2)).replaceAll('""', '').replaceAll('\n', '\r\n'),
      ['f1:1', 'f2:1'],
    ],
    ['missed execs', line(miss(1), miss(2)), ['m1', 'm2']],
    ['one body, printed for people', JSON.stringify(finding(1), null, 2), ['f1:1']],
    [
      'several of them in a row',
      [1, 2].map((n) => JSON.stringify(finding(n), null, 2)).join('\n'),
      ['f1:1', 'f2:1'],
    ],
    ['an array', JSON.stringify([finding(1), finding(2)]), ['f1:1', 'f2:1']],
    ['an array, printed for people', JSON.stringify([finding(1), finding(2)], null, 2), ['f1:1', 'f2:1']],
    ['a batch as the webhook sink sends it', body(lannerFormat(), batch), ['f1:1', 'f2:1']],
    ['a batch of lines', body(lannerFormat('ndjson'), batch), ['f1:1', 'f2:1']],
    ['a CloudEvent', body(structured, delivery(1)), ['f1:1']],
    ['a batch of CloudEvents', body(structured, batch), ['f1:1', 'f2:1']],
    [
      'stored requests',
      line({ headers: {}, body: finding(1) }, { body: JSON.stringify(finding(2)) }),
      ['f1:1', 'f2:1'],
    ],
    [
      'a finding that stands for a group',
      line({ ...finding(1), group: { samples: [finding(2), finding(3)] } }),
      ['f1:1', 'f2:1', 'f3:1'],
    ],
    ['notices between them', line({ schema: 'lanner.notice/v1', id: 'x' }, finding(1)), ['f1:1']],
  ])('%s', async (_what, text, ids) => {
    const found = await read(text);
    expect(found.ids).toEqual(ids);
    expect(found.skipped).toBe(0);
    expect(found.kept[0]!.exec).toEqual(aFinding().exec);
    expect(await isKeptFile(found.paths[0]!)).toBe(true);
  });

  it('count each exec once, in its last revision, wherever it stands; a finding more than a miss', async () => {
    const found = await read(
      line(finding(1), finding(2, 3), miss(3)),
      line(finding(1, 2), finding(2), finding(3)),
      line(miss(1)),
    );
    expect(found.ids).toEqual(['f2:3', 'f1:2', 'f3:1']);
    expect(found.repeats).toBe(4);
  });

  it('can be read again, with the same result', async () => {
    const { source, kept } = await read(line(finding(1), finding(1, 2)));
    const again: Kept[] = [];
    for await (const one of source.read()) again.push(one);
    expect(again).toEqual(kept);
    expect(source.passedOver().repeats).toBe(1);
  });

  it('name each bad line, and the rest is read', async () => {
    const cut = JSON.stringify(finding(9)).slice(0, 300);
    const long = aFinding({
      exec: { ...aFinding().exec, process: { ...aFinding().exec.process, argv: ['curl', 'x'.repeat(500)] } },
    });
    const text = `${line(finding(1))}\n${cut}\nno json\n${line({ a: 1 }, 7, { ...finding(3), exec: {} }, compactFinding(long), finding(2))}`;
    const { ids, skipped, places } = await read(text);
    expect(ids).toEqual(['f1:1', 'f2:1']);
    expect(skipped).toBe(6);
    expect(places).toEqual([
      expect.stringMatching(/^file0:3: no JSON: /),
      expect.stringMatching(/^file0:4: no JSON: /),
      'file0:5: no finding of Lanner',
      'file0:6: no object',
      'file0:7: a finding without its exec event',
      'file0:8: a finding that was shortened for its receiver',
    ]);
  });

  it('a document that never ends is named by its first line', async () => {
    const { ids, places } = await read(`${line(finding(1))}{\n"schema": "lanner.finding/v1",\n`);
    expect(ids).toEqual(['f1:1']);
    expect(places).toEqual([expect.stringMatching(/^file0:2: no JSON/)]);
  });

  it('that are missing or damaged end the reading with a coded error', async () => {
    const gone = openKeptFiles(['/nowhere/export.jsonl']).read();
    await expect(gone.next()).rejects.toMatchObject({ code: 'recording_missing' });
    const damaged = gzipSync(line(finding(1))).subarray(0, 80);
    await expect(read(damaged)).rejects.toMatchObject({ code: 'recording_unreadable' });
  });

  it.each(['recordings/tetragon/scenario-k8s.bin.gz', 'recordings/falco/scenario.http.jsonl.gz'])(
    'are told from a recording (%s)',
    async (path) => {
      expect(await isKeptFile(fixture(path))).toBe(false);
    },
  );
});
