import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changeLines } from '../../src/commands/corpus-file.ts';
import { temporaryDirectory } from '../support/spool.ts';

const same = (id: string) => (line: string) => line.startsWith(`${id} `);
const module = new URL('../../dist/commands/corpus-file.js', import.meta.url).href;

describe('the lines of a corpus', () => {
  it.each<[string, string | undefined, string, { replaced: boolean; cases: number }]>([
    ['a file that is not there yet', undefined, 'b 2\n', { replaced: false, cases: 1 }],
    ['the end', 'a 1\n', 'a 1\nb 2\n', { replaced: false, cases: 2 }],
    ['the end of a file without a last line end', 'a 1', 'a 1\nb 2\n', { replaced: false, cases: 2 }],
    ['the place of the same', 'b 1\na 1\n', 'b 2\na 1\n', { replaced: true, cases: 2 }],
    ['the place of the first of several', 'b 0\na 1\nb 1\n', 'b 2\na 1\n', { replaced: true, cases: 2 }],
    [
      'lines that are no cases',
      '# hand-made\n\na 1\n',
      '# hand-made\n\na 1\nb 2\n',
      { replaced: false, cases: 3 },
    ],
  ])('a new one goes to %s', (_where, before, after, said) => {
    const file = join(temporaryDirectory(), 'corpus.jsonl');
    if (before !== undefined) writeFileSync(file, before);
    expect(changeLines(file, 'b 2', same('b'))).toEqual(said);
    expect(readFileSync(file, 'utf8')).toBe(after);
    expect(existsSync(`${file}.lock`) || existsSync(`${file}.new`)).toBe(false);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('are all there after several processes wrote at once', async () => {
    const file = join(temporaryDirectory(), 'corpus.jsonl');
    const script = (name: string) =>
      `import { changeLines } from ${JSON.stringify(module)};
       for (let i = 0; i < 8; i++) changeLines(${JSON.stringify(file)}, '${name}' + i + ' x', (line) => line.startsWith('${name}' + i + ' '));`;
    const codes = ['a', 'b', 'c'].map((name) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script(name)]);
      return new Promise((resolve) => child.on('close', resolve));
    });
    expect(await Promise.all(codes)).toEqual([0, 0, 0]);
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(24);
  });

  it('a lock of a process that is gone is taken away; what cannot be written is said', () => {
    const file = join(temporaryDirectory(), 'corpus.jsonl');
    writeFileSync(`${file}.lock`, '999999999\n');
    expect(changeLines(file, 'b 2', same('b')).cases).toBe(1);
    expect(() => changeLines('/nowhere/corpus.jsonl', 'b 2', same('b'))).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});
