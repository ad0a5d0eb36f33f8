import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../../dist/main.js');
const there = spawnSync('bash', ['--version']).status === 0;
if (!there) process.stderr.write('skipped: bash is not here\n');

describe.skipIf(!there)('lanner completion bash', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-completion-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(() => {
    writeFileSync(join(folder, 'completion'), execFileSync(process.execPath, [main, 'completion', 'bash']));
    writeFileSync(join(folder, 'a file.yaml'), '');
  });

  /** What bash offers for the last word. */
  const offered = (...words: string[]) =>
    execFileSync(
      'bash',
      [
        '--norc',
        '-c',
        'source ./completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lanner; printf "%s\\n" "${COMPREPLY[@]}"',
        'bash',
        'lanner',
        ...words,
      ],
      { cwd: folder, encoding: 'utf8' },
    )
      .split('\n')
      .filter((line) => line !== '')
      .sort();

  it.each([
    [['rep'], ['replay']],
    [['history', 'q'], ['query']],
    [['replay', '--fo'], ['--form']],
    [
      ['replay', '--form', ''],
      ['falco', 'tetragon'],
    ],
    [['run', '--config', 'a'], ['a file.yaml']],
    [['replay', 'a'], ['a file.yaml']],
    [['replay', 'x', '--json', 'a'], ['a file.yaml']],
    // What cannot be known is not guessed.
    [['tune', '--limit', ''], []],
    [['nothing-of-ours', 'a'], []],
  ] as [string[], string[]][])('%j → %j', (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });

  it('offers options where nothing else is to be offered', () => {
    expect(offered('run', '')).toEqual(expect.arrayContaining(['--config', '-c']));
  });
});
