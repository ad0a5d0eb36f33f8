import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentParsers, genericParser } from '../../src/detect/arguments/index.ts';
import { parseInlineCode } from '../../src/detect/arguments/inline-code.ts';
import { inlineText } from '../../src/detect/arguments/interpreters.ts';
import { parseSocatAddress } from '../../src/detect/arguments/socat-address.ts';
import { decodeBase64, decodeHex } from '../../src/detect/base64.ts';
import { classifyHost, expandGlob, parsePeer, parseUrl } from '../../src/detect/peers.ts';
import { decodeBase64Pipe } from '../../src/detect/shell/decode.ts';
import { parseShell } from '../../src/detect/shell/parse.ts';
import { shellString } from '../../src/detect/shell/string.ts';
import { SHELL_LIMITS } from '../../src/detect/shell/types.ts';

/** Pieces that mean something to some grammar, and pieces that should mean nothing to any. */
const PIECES = [
  ...[
    '-e',
    '-c',
    '-l',
    '-p',
    '-o',
    '-',
    '--',
    '--help',
    '-L',
    '-x',
    '-K',
    '-i',
    '@',
    '=',
    ':',
    ',',
    '!!',
    '/',
    '\\',
  ],
  ...[
    'sh',
    '/bin/sh',
    'nc',
    'h:1',
    'http://',
    'http://h/',
    '[::1]',
    '{a,b}',
    '[1-9]',
    '127.1',
    '0x7f.1',
    'TCP:',
    'EXEC:',
  ],
  ...[
    '$(',
    ')',
    '`',
    '"',
    "'",
    '${',
    '}',
    '{',
    '|',
    '||',
    '&&',
    ';',
    '&',
    '>',
    '<<<',
    '<<E',
    '\n',
    '<(',
    '((',
    '#',
    '$',
  ],
  ...[
    'if ',
    'then ',
    'fi',
    'while ',
    'do ',
    'done',
    'for x in ',
    'case x in ',
    'esac',
    'f() ',
    'A=',
    '$A',
    '$IFS',
    ' ',
  ],
  ...[
    '\0',
    '\ud800',
    '\udfff',
    '\uFFFD',
    '\u202e',
    '\u2066',
    '\ue000',
    '\ue001',
    '\ue002',
    '\x1b[31m',
    '１',
    '。',
  ],
  ...['base64 -d', 'echo ', 'socket.socket(', 'exec(', 'open("', 'b64decode("', '\\x41', 'urlopen("'],
];
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PIECES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const words = fc.array(fc.oneof(text, piece), { maxLength: 20 });
const context = fc.record({
  invoked_as: fc.constantFrom('nc', 'nc.openbsd', 'nc.traditional', '/bin/x', ''),
  cwd: fc.constantFrom('/', '/tmp', ''),
});
const multi = fc.constantFrom(undefined, 'busybox' as const, 'toybox' as const);

/** Words that count how often they are looked at. */
function counted(list: string[]): { words: string[]; looks: () => number } {
  let looks = 0;
  const proxy = new Proxy(list, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  return { words: proxy, looks: () => looks };
}

const WORD_LISTS: [string, (count: number) => string[]][] = [
  ['flags', (count) => new Array<string>(count).fill('-v')],
  ['values', (count) => new Array<string>(count).fill('-o')],
  ['operands', (count) => new Array<string>(count).fill('x')],
  ['unknown options', (count) => new Array<string>(count).fill('--what-ever')],
  ['URLs', (count) => new Array<string>(count).fill('http://203.0.113.9/a')],
  ['commands', (count) => new Array<string>(count).fill('-c')],
];

const LONG_WORDS: [string, string][] = [
  ['one letter', 'a'.repeat(100_000)],
  ['a cluster', `-${'v'.repeat(100_000)}`],
  ['unknown letters', `-v${'\u00e9'.repeat(100_000)}`],
  ['a long option', `--${'a'.repeat(100_000)}`],
  ['dots', '.'.repeat(100_000)],
  ['digits', '1'.repeat(100_000)],
  ['digits and dots', '1.'.repeat(50_000)],
  ['dashes', '1-'.repeat(50_000)],
  ['slashes', `/${'../'.repeat(33_000)}`],
  ['colons', ':'.repeat(100_000)],
  ['at signs', `http://${'@'.repeat(100_000)}h/`],
  ['braces', '{a,b}'.repeat(20_000)],
  ['open braces', '{'.repeat(100_000)],
  ['ranges', 'http://h/[1-9]'.repeat(7_000)],
  ['commas', ','.repeat(100_000)],
  ['equals', `-F${'x='.repeat(50_000)}@f`],
  ['blanks', `x${' '.repeat(100_000)}y`],
  ['quotes', '"'.repeat(100_000)],
  ['backslashes', '\\'.repeat(100_000)],
  ['nested quotes', `['a`.repeat(30_000)],
  ['lists of words', `[${'"a"    '.repeat(15_000)}`],
  ['sockets', 'socket '.repeat(15_000)],
  ['calls', 'exec("'.repeat(15_000)],
  ['opens', 'open("/a","'.repeat(9_000)],
  ['lone surrogates', '\ud800'.repeat(100_000)],
  ['zeros', '\0'.repeat(100_000)],
  ['bidirectional marks', '\u202e'.repeat(100_000)],
  ['base64', `b64decode("${'QUJD'.repeat(25_000)}")`],
  ['put commands', `put ${'-x '.repeat(30_000)}`],
];

const SHELL_BOMBS: [string, string][] = [
  ['open substitutions', '$('.repeat(10_000)],
  ['nested substitutions', '$(a '.repeat(10_000) + ')'.repeat(10_000)],
  ['substitutions in quotes', '"$('.repeat(10_000)],
  ['subshells', '('.repeat(60_000)],
  ['groups', '{ '.repeat(60_000)],
  ['backticks', '`'.repeat(60_000)],
  ['escaped backticks', '`\\`\\\\`'.repeat(10_000)],
  ['words', 'a '.repeat(60_000)],
  ['commands', 'a;'.repeat(60_000)],
  ['pipes', 'a|'.repeat(60_000)],
  ['wide pipes', `(${'a;'.repeat(2_000)})|(${'b;'.repeat(2_000)})`],
  ['decoders', `${`(${'base64 -d;'.repeat(20)})|`.repeat(20)}sh`],
  ['brace words', '{a,b}'.repeat(20_000)],
  ['nested braces', '{a,'.repeat(30_000) + '}'.repeat(30_000)],
  ['growing variables', `a=bb;${'a=$a$a;'.repeat(10_000)}`],
  ['parameters', 'a$1'.repeat(40_000)],
  ['here-documents', '<<A '.repeat(20_000) + '\nA'.repeat(20_000)],
  ['redirections', '>a '.repeat(40_000)],
  ['inherited redirections', `${'{ '.repeat(30)}${'a;'.repeat(1_000)}${'} >x'.repeat(30)}`],
  ['ifs', 'if '.repeat(40_000)],
  ['cases', 'case a in '.repeat(10_000)],
  ['loops', 'for a in b; do '.repeat(8_000)],
  ['functions', 'f() {'.repeat(20_000)],
  ['a function and blanks', `function a${'\t'.repeat(100_000)}`],
  ['blanks', ' \t'.repeat(60_000)],
  ['parameters left open', '${'.repeat(50_000)],
  ['arithmetic left open', '((a '.repeat(30_000)],
  ['comments', '# \n'.repeat(40_000)],
  ['continuations', '\\\n'.repeat(60_000)],
  ['assignments', 'a[b]='.repeat(20_000)],
  ['arrays', 'a=('.repeat(30_000)],
  ['too much', 'x'.repeat(1_000_000)],
];

/** Each grammar written by hand, and one of each table. */
const DIFFERENT = [
  ...[
    'netcat',
    'ncat',
    'socat',
    'cryptcat',
    'pwncat',
    'websocat',
    'curl',
    'wget',
    'lwp-request',
    'aria2c',
    'httpie',
    'lynx',
  ],
  ...[
    'dig',
    'host',
    'nslookup',
    'getent',
    'dnsrecon',
    'ssh',
    'scp',
    'sftp',
    'rsync',
    'tftp',
    'lftp',
    'smbclient',
    'rclone',
  ],
  ...[
    'finger',
    'openssl',
    'httpd',
    'telnetd',
    'nmap',
    'nuclei',
    'tcpdump',
    'chisel',
    'telnet',
    'python-net',
    'gawk-net',
  ],
];

describe('argument parsers on hostile words', () => {
  const tools = Object.entries(argumentParsers);

  it('never throw and name their tool', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...tools),
        words,
        context,
        multi,
        ([tool, parser], list, base, multi_call) => {
          const invocation = parser(list, multi_call ? { ...base, multi_call } : base);
          expect(invocation.tool).toBe(tool);
          JSON.stringify(invocation);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never throw on tools without a grammar', () => {
    fc.assert(
      fc.property(words, (list) => {
        expect(genericParser('x')(list, { invoked_as: 'x' }).tool).toBe('x');
      }),
    );
  });

  it.each(WORD_LISTS)('look at %s a number of times that grows as the words do', (_, make) => {
    for (const [tool, parser] of tools) {
      const looksAt = (count: number) => {
        const { words: list, looks } = counted(make(count));
        parser(list, { invoked_as: tool });
        return looks();
      };
      const [half, whole] = [looksAt(200), looksAt(400)];
      expect(whole, `${tool}: ${half} looks at 200 words, ${whole} at 400`).toBeLessThanOrEqual(
        2.2 * half + 100,
      );
    }
  });

  it.each(WORD_LISTS)('take 10,000 words of %s', (_, make) => {
    const list = make(10_000);
    for (const tool of DIFFERENT) expect(argumentParsers[tool]!(list, { invoked_as: tool }).tool).toBe(tool);
  });

  it.each(LONG_WORDS)('take 100 kB of %s', (_, word) => {
    for (const tool of DIFFERENT) {
      expect(argumentParsers[tool]!([word, '-e', word, '-c', word], { invoked_as: tool }).tool).toBe(tool);
    }
  });
});

describe('peers from hostile text', () => {
  it('are always classified', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.webUrl(), fc.ipV4Extended(), fc.ipV6()), (value) => {
        expect(typeof classifyHost(value, 'connect').class).toBe('string');
        expect(typeof parsePeer(value, 'listen').class).toBe('string');
        expect(typeof parseUrl(value).host).toBe('string');
        expect(expandGlob(value).urls.length).toBeLessThanOrEqual(64);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are loopback only if the whole host is', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const loopback = fc.constantFrom('localhost', '127.0.0.1', '127.1', '0x7f.1', '::1');
    fc.assert(
      fc.property(label, loopback, (name, local) => {
        const plain = local.replaceAll(':', 'x');
        expect(classifyHost(`${plain}.${name}.example`, 'connect').class).toBe('public_name');
        expect(classifyHost(`${name}.${plain}.example`, 'connect').class).toBe('public_name');
        expect(parsePeer(`http://${plain}@${name}.example/${plain}?${plain}`, 'connect').class).toBe(
          'public_name',
        );
      }),
    );
  });

  it('every spelling of an IPv4 address gives the same class and host', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), (address) => {
        const bytes = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
        const plain = classifyHost(bytes.join('.'), 'connect');
        const spellings = [
          String(address),
          `0x${address.toString(16)}`,
          bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
          bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
          `${bytes[0]}.${address % 2 ** 24}`,
          `${bytes[0]}.${bytes[1]}.${address % 65536}`,
        ];
        for (const spelling of spellings) expect(classifyHost(spelling, 'connect'), spelling).toEqual(plain);
        expect(classifyHost(`::ffff:${bytes.join('.')}`, 'connect').class).toBe(plain.class);
      }),
    );
  });
});

/** Work allowed: every character may be looked at once per level of nesting, and a little more. */
const STEPS_PER_CHARACTER = 2 * SHELL_LIMITS.nesting;

describe('shell strings that are hostile', () => {
  it('are read within their bounds', () => {
    fc.assert(
      fc.property(text, (value) => {
        const script = parseShell(value);
        expect(script.steps).toBeLessThanOrEqual(STEPS_PER_CHARACTER * (value.length + 16));
        for (const command of script.commands) {
          for (const index of [...command.stdout_to, ...command.stdin_from])
            expect(script.commands[index]).toBeDefined();
          if (command.inside) expect(script.commands[command.inside.command]).toBeDefined();
          for (const index of command.loops) expect(script.loops[index]).toBeDefined();
          expect(command.depth).toBeLessThanOrEqual(SHELL_LIMITS.nesting);
        }
        decodeBase64Pipe(script);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(SHELL_BOMBS)('%s cost no more than their length allows', (_, value) => {
    const script = parseShell(value);
    const length = Math.min(value.length, SHELL_LIMITS.input_chars);
    expect(script.steps).toBeLessThanOrEqual(4 * length + 64);
    const count = script.commands.reduce((sum, command) => sum + command.words.length, 0);
    expect(count).toBeLessThanOrEqual(SHELL_LIMITS.words + SHELL_LIMITS.grown_chars);
    expect(decodeBase64Pipe(script).length).toBeLessThanOrEqual(16);
  });

  it('say when something is missing', () => {
    expect(parseShell('$('.repeat(100)).truncated).toBe(true);
    expect(parseShell('x'.repeat(SHELL_LIMITS.input_chars + 1)).truncated).toBe(true);
    expect(parseShell('a '.repeat(SHELL_LIMITS.words + 2)).truncated).toBe(true);
    expect(parseShell('a | b').truncated).toBe(false);
  });

  it('are found in any argument string', () => {
    fc.assert(
      fc.property(
        text,
        fc.constantFrom('quoted' as const, 'joined' as const),
        fc.option(piece),
        (raw, form, shell) => {
          const found = shellString(raw, form, shell ?? undefined);
          if (found !== undefined) expect(raw).toContain(found);
        },
      ),
    );
    expect(shellString(`${' -cx'.repeat(30_000)} -c "a b"`, 'quoted')).toBe('a b');
  });
});

describe('code and encodings that are hostile', () => {
  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          'python3',
          'perl',
          'ruby',
          'node',
          'php',
          'lua',
          'gawk',
          'tclsh',
          'R',
          'julia',
          'jrunscript',
        ),
        words,
        (name, list) => {
          const found = inlineText(name, list);
          expect(parseInlineCode('x', name, found?.code ?? list.join(' ')).tool).toBe('x');
        },
      ),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(parseSocatAddress(value).length).toBeGreaterThan(0);
      }),
    );
  });

  it.each(LONG_WORDS)('code of 100 kB of %s is scanned', (_, word) => {
    expect(
      parseInlineCode('x', 'python', `import socket;s=socket.socket();eval(base64);${word}`).code
        ?.opens_socket,
    ).toBe(true);
  });

  it('decode what was encoded and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (value) => {
        const bytes = Buffer.from(value);
        fc.pre(bytes.toString() === value && !/[\x00-\x1f\ufffd]/.test(value));
        expect(decodeBase64(bytes.toString('base64'))).toBe(value);
        expect(decodeBase64(bytes.toString('base64url'))).toBe(value);
        if (bytes.length > 1) expect(decodeHex(bytes.toString('hex'))).toBe(value);
      }),
    );
    expect(decodeBase64('not base64!')).toBeUndefined();
    expect(decodeHex('zz')).toBeUndefined();
  });
});
