import { describe, expect, it } from 'vitest';
import { openSampler, type SamplerBounds } from '../../src/history/sampler.ts';
import { structureOf } from '../../src/history/structure.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { aFinding } from '../support/finding.ts';

function curl(...args: string[]): ExecEvent {
  const { exec } = aFinding();
  return { ...exec, process: { ...exec.process, argv: ['curl', ...args] } };
}

describe('the structure of an exec', () => {
  it.each([
    ['a counter in a path', curl('http://a/jobs/17'), curl('http://a/jobs/18')],
    [
      'a UUID',
      curl('http://a/x/5b1f2a3c-0001-4d5e-8f90-0a1b2c3d4e5f'),
      curl('http://a/x/5b1f2a3c-0001-4d5e-8f90-0a1b2c3d4e60'),
    ],
    ['a temporary file', curl('-o', '/tmp/tmp.83648263'), curl('-o', '/tmp/tmp.11223344')],
    ['a long id outside a path', curl('id=1795401954420'), curl('id=1795401954421')],
    ['the process', curl('http://a/'), { ...curl('http://a/'), id: 'another', time: 'later' }],
  ])('is the same whatever %s is', (_what, a, b) => {
    expect(structureOf(a, 'curl', 'none')).toBe(structureOf(b, 'curl', 'none'));
  });

  const plain = curl('http://a:8080/health');
  it.each<[string, ExecEvent]>([
    ['port', curl('http://a:4444/health')],
    ['peer', curl('http://b:8080/health')],
    ['address', curl('http://10.0.0.9:8080/health')],
    ['path', curl('http://a:8080/other')],
    ['option', curl('-k', 'http://a:8080/health')],
    ['parent', { ...plain, ancestors: [] }],
    ['image', { ...plain, image: { repository: 'another' } }],
    ['way in', { ...plain, process: { ...plain.process, exec_probe: true } }],
  ])('is another with another %s', (_what, other) => {
    expect(structureOf(other, 'curl', 'none')).not.toBe(structureOf(plain, 'curl', 'none'));
  });

  it('is another with another tool or severity', () => {
    const all = [
      structureOf(plain, 'curl', 'none'),
      structureOf(plain, 'wget', 'none'),
      structureOf(plain, 'curl', 'info'),
    ];
    expect(new Set(all).size).toBe(3);
  });

  it('does not collide in a hundred thousand', () => {
    const all = new Set<number>();
    for (let i = 0; i < 100_000; i += 1) all.add(structureOf(curl(`h${i}.example`), 'curl', 'none'));
    expect(all.size).toBe(100_000);
  });
});

describe('the sample', () => {
  const bounds: SamplerBounds = { max_per_hour: 3, max_per_minute: 100, max_structures: 100 };
  function open(change: Partial<SamplerBounds> = {}) {
    const sampler = openSampler({ ...bounds, ...change });
    let count = 0;
    const take = (event: ExecEvent, seconds: number) =>
      sampler.take(event, 'curl', 'none', seconds, () => {
        count += 1;
        return `m-${count}`;
      });
    return { sampler, take };
  }

  it('of one structure is the 1st, 10th and 100th of an hour, and says for how many each stands', () => {
    const { sampler, take } = open();
    const kept: number[] = [];
    for (let i = 1; i <= 5000; i += 1) if (take(curl('http://a/'), 100) === 'kept') kept.push(i);
    expect(kept).toEqual([1, 10, 100]);
    expect(sampler.counts()).toEqual([
      { id: 'm-1', stands_for: 9 },
      { id: 'm-2', stands_for: 90 },
      { id: 'm-3', stands_for: 4901 },
    ]);
    expect(sampler.counts()).toEqual([]);
    take(curl('http://a/'), 101);
    expect(sampler.counts()).toEqual([{ id: 'm-3', stands_for: 4902 }]);
  });

  it('begins anew each hour, and never goes back to the one before', () => {
    const { take } = open();
    expect([3599, 3600, 3598, 3601].map((seconds) => take(curl('http://a/'), seconds))).toEqual([
      'kept',
      'kept',
      'counted',
      'counted',
    ]);
  });

  it('has a bound for a flood of ever new structures, and keeps room for the next minute', () => {
    const { sampler, take } = open({ max_per_minute: 5 });
    const flood = Array.from({ length: 1000 }, (_, i) => take(curl(`x${i}q`), 60));
    expect(flood.filter((one) => one === 'kept')).toHaveLength(5);
    expect(flood.filter((one) => one === 'rate_limited')).toHaveLength(995);
    expect(sampler.structures).toBe(100);
    expect(take(curl('x999q'), 120)).toBe('kept');
  });

  it('hands on the count of a structure that is forgotten', () => {
    const { sampler, take } = open({ max_structures: 2 });
    for (const host of ['a', 'a', 'b', 'c']) take(curl(host), 0);
    expect(sampler.counts()).toEqual([{ id: 'm-1', stands_for: 2 }]);
  });
});
