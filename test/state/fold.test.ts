import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { type Folded, openFolds } from '../../src/state/fold.ts';
import { execEvent, findingFor } from '../support/events.ts';

/** The finding that goes on. */
function told(folded: Folded): Finding {
  if (!folded.tell) throw new Error('it was folded into a finding told before');
  return folded.finding;
}

const use = (...peers: string[]) => ({ peers, downloads: [] });

describe('execs of one command', () => {
  it('become one finding: wrapper, shell and tool', () => {
    const folds = openFolds();
    const shell = execEvent('sh -c nohup', { pid: 10 });
    const wrapper = execEvent('nohup nc h 1', { pid: 11, above: [[10, 'sh -c nohup']] });
    const tool = execEvent('nc h 1', {
      pid: 11,
      above: [
        [11, 'nohup nc h 1'],
        [10, 'sh -c nohup'],
      ],
    });
    const first = folds.fold(findingFor(shell, 'medium', 'netcat'), use('h:1'), 1);
    expect(first).toMatchObject({ tell: true, amends: false, finding: { revision: 1 } });
    expect(folds.fold(findingFor(wrapper, 'medium', 'netcat'), use('h:1'), 2)).toMatchObject({
      tell: false,
      id: told(first).id,
      revision: 2,
    });
    const last = folds.fold(findingFor(tool, 'medium', 'netcat', ['x']), use('h:1'), 3);
    expect(last).toMatchObject({ tell: false });
    expect('related' in last && last.related?.map((one) => one.text)).toEqual([
      'sh -c nohup',
      'nohup nc h 1',
      'nc h 1',
    ]);
    expect(folds.size).toBe(1);
  });

  it('are told again when a later one is worse, under the same id, with all indicators', () => {
    const folds = openFolds();
    const shell = execEvent('sh -c x', { pid: 10 });
    const tool = execEvent('nc -e sh h 1', { pid: 11, above: [[10, 'sh -c x']] });
    const first = folds.fold(findingFor(shell, 'low', 'netcat', ['a']), use('h:1'), 1);
    const worse = folds.fold(findingFor(tool, 'high', 'netcat', ['b']), use('h:1'), 2);
    expect(worse).toMatchObject({ tell: true, amends: true });
    expect(told(worse)).toMatchObject({
      id: told(first).id,
      revision: 2,
      severity: 'high',
      time: shell.time,
    });
    expect(told(worse).exec.process.argv).toEqual(tool.process.argv);
    expect(told(worse).indicators.map((one) => one.id)).toEqual(['b', 'a']);
  });

  it('are found together when the child comes first', () => {
    const folds = openFolds();
    const tool = execEvent('nc h 1', { pid: 11, above: [[10, 'sh -c x']] });
    const shell = execEvent('sh -c x', { pid: 10 });
    folds.fold(findingFor(tool, 'medium', 'netcat'), use('h:1'), 30);
    expect(folds.fold(findingFor(shell, 'medium', 'netcat'), use('h:1'), 1).amends).toBe(true);
  });

  it('that repeat the same use become one finding', () => {
    const folds = openFolds();
    const tell = [1, 2, 3].map(
      (pid) =>
        folds.fold(
          findingFor(execEvent('nslookup x', { pid }), 'medium', 'nslookup', ['a']),
          use('dns:x.test'),
          pid,
        ).tell,
    );
    expect(tell).toEqual([true, false, false]);
  });

  it('that are seen again by a second source are no news', () => {
    const folds = openFolds();
    const finding = findingFor(execEvent('nc h 1'), 'high', 'netcat');
    expect(folds.fold(finding, use('h:1'), 1).tell).toBe(true);
    expect(folds.fold(finding, use('h:1'), 1)).toMatchObject({ tell: false, revision: 1 });
  });
});

describe('execs of different commands stay apart', () => {
  const first = execEvent('nc h 1', { pid: 10 });
  it.each([
    ['another peer', execEvent('nc h 2', { pid: 11, above: [[10, 'nc h 1']] }), 'netcat', 'h:2', 5],
    [
      'another tool in the same line of descent',
      execEvent('nmap h', { pid: 11, above: [[10, 'nc h 1']] }),
      'nmap',
      'h:1',
      5,
    ],
    ['another container', execEvent('nc h 1', { pid: 10, container: 'd' }), 'netcat', 'h:1', 5],
    [
      'much later',
      execEvent('nc h 1', { pid: 99, time: '2026-01-02T04:04:05.000000000Z' }),
      'netcat',
      'h:1',
      3700,
    ],
  ])('%s', (_what, later, tool, peer, seconds) => {
    const folds = openFolds();
    folds.fold(findingFor(first, 'medium', 'netcat'), use('h:1'), 1);
    expect(folds.fold(findingFor(later, 'medium', tool), use(peer), seconds)).toMatchObject({
      tell: true,
      amends: false,
    });
  });

  it('with other indicators, from an unrelated process', () => {
    const folds = openFolds();
    folds.fold(findingFor(first, 'medium', 'netcat', ['a']), use('h:1'), 1);
    const other = findingFor(execEvent('nc h 1', { pid: 77 }), 'high', 'netcat', ['b']);
    expect(folds.fold(other, use('h:1'), 2).amends).toBe(false);
  });
});

it('folds keep their bound', () => {
  const folds = openFolds({ maxOpen: 50 });
  for (let i = 0; i < 500; i += 1) {
    const event = execEvent(`nc h ${i}`, { pid: i, container: String.fromCharCode(97 + (i % 26)) });
    folds.fold(findingFor(event, 'medium', 'netcat'), use(`h:${i}`), i);
  }
  expect(folds.size).toBeLessThanOrEqual(50);
  expect(folds.size).toBeGreaterThan(45);
});

describe('facts that come late', () => {
  it('make the next revision of the finding, and keep what was folded into it', () => {
    const folds = openFolds();
    const first = findingFor(execEvent('nc h 1', { pid: 1 }), 'high', 'netcat', ['a']);
    folds.fold(first, use('h:1'), 1);
    folds.fold(findingFor(execEvent('nc h 1', { pid: 2 }), 'high', 'netcat', ['a']), use('h:1'), 2);
    const richer = { ...first, exec: { ...first.exec, image: { reference: 'web:1' } } };
    const revised = folds.revise(richer);
    expect(revised).toMatchObject({ id: first.id, revision: 3, exec: { image: { reference: 'web:1' } } });
    expect(revised.related).toHaveLength(2);
  });

  it('come to the first exec of a command when a later one counts: told again as that', () => {
    const folds = openFolds();
    const first = findingFor(execEvent('sh -c x', { pid: 10 }), 'low', 'netcat', ['a']);
    const tool = execEvent('nc -e sh h 1', { pid: 11, above: [[10, 'sh -c x']] });
    folds.fold(first, use('h:1'), 1);
    folds.fold(findingFor(tool, 'high', 'netcat', ['b']), use('h:1'), 2);
    folds.fold(findingFor(execEvent('nc h 1', { pid: 11 }), 'low', 'netcat', ['c']), use('h:1'), 3);
    const revised = folds.revise({ ...first, exec: { ...first.exec, image: { reference: 'web:1' } } });
    expect(revised).toMatchObject({ id: first.id, revision: 4, severity: 'high', exec: { id: tool.id } });
    expect(revised.indicators.map((one) => one.id)).toEqual(['b', 'a', 'c']);
    expect(revised.related).toHaveLength(3);
  });

  it('make revision two of a finding that is no longer known', () => {
    const finding = findingFor(execEvent('nc h 1'), 'high', 'netcat');
    expect(openFolds().revise(finding)).toMatchObject({ id: finding.id, revision: 2 });
  });
});
