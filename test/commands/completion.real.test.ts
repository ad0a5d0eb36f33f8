import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../../dist/main.js');
const folder = mkdtempSync(join(tmpdir(), 'lanner-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'a file.yaml'), '');
const has = (shell: string) => {
  if (spawnSync(shell, ['--version']).status === 0) return true;
  process.stderr.write(`skipped: ${shell} is not here\n`);
  return false;
};
const script = (shell: string) => {
  const file = join(folder, shell);
  writeFileSync(file, execFileSync(process.execPath, [main, 'completion', shell]));
  return file;
};

const cases: [typed: string, word: string, whole: string][] = [
  ['lanner rep', 'replay', 'replay'],
  ['lanner history q', 'query', 'history query'],
  ['lanner replay --form fal', 'falco', 'replay --form falco'],
  ['lanner run --config a', 'a file.yaml', 'run --config a file.yaml'],
  ['lanner replay a', 'a file.yaml', 'replay a file.yaml'],
];

describe.skipIf(!has('fish'))('lanner completion fish', () => {
  it.each(cases)('%s<tab>', (typed, word) => {
    const told = execFileSync('fish', ['-N', '-c', `source ${script('fish')}; complete -C '${typed}'`], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
    });
    expect(told.split('\n').map((line) => line.split('\t')[0]?.replaceAll('\\', ''))).toContain(word);
  });
});

describe.skipIf(!has('zsh'))('lanner completion zsh', () => {
  /** A real interactive zsh on a terminal of its own; `lanner` tells what it was called with. */
  const press = (typed: string) =>
    execFileSync(
      'zsh',
      [
        '-f',
        '-c',
        `zmodload zsh/zpty
zpty -b shell 'zsh -f -i'
zpty -w shell "autoload -U compinit; compinit -u -d $1/dump; source $1/zsh; cd $1; lanner() { print -r -- \\"SO\\"\\"FAR:$*<\\" }"
zpty -w -n shell "$2"$'\\t\\n'
zpty -r shell told '*SOFAR:*<*'
print -r -- $told`.replace('$*<', '\\$*<'),
        'zsh',
        folder,
        typed,
      ],
      { encoding: 'utf8', timeout: 20_000 },
    );

  it.each(cases)('%s<tab>', (typed, _word, whole) => {
    script('zsh');
    expect(press(typed)).toContain(`SOFAR:${whole}<`);
  });
});
