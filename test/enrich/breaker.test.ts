import { describe, expect, it } from 'vitest';
import { createBreaker } from '../../src/enrich/breaker.ts';

function make() {
  let time = 0;
  const changes: boolean[] = [];
  const breaker = createBreaker({
    failures: 3,
    open_ms: 100,
    open_max_ms: 300,
    now: () => time,
    changed: (open) => changes.push(open),
  });
  const fail = (times: number) => {
    for (let i = 0; i < times; i += 1) breaker.failed();
  };
  return { breaker, changes, fail, pass: (ms: number) => (time += ms) };
}

describe('the breaker', () => {
  it('stays closed below the number of failures', () => {
    const { breaker, fail } = make();
    fail(2);
    expect(breaker.admits()).toBe(true);
  });

  it('counts failures in a row only', () => {
    const { breaker, fail } = make();
    fail(2);
    breaker.succeeded();
    fail(2);
    expect(breaker.isOpen()).toBe(false);
  });

  it('opens, and lets one question try after the pause', () => {
    const { breaker, fail, pass } = make();
    fail(3);
    expect(breaker.admits()).toBe(false);
    pass(100);
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
  });

  it('closes when the trial succeeds', () => {
    const { breaker, changes, fail, pass } = make();
    fail(3);
    pass(100);
    breaker.admits();
    breaker.succeeded();
    expect(breaker.admits()).toBe(true);
    expect(changes).toEqual([true, false]);
  });

  it('doubles the pause with each failed trial, up to its bound', () => {
    const { breaker, fail, pass } = make();
    fail(3);
    const pauses: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      let waited = 0;
      while (!breaker.admits()) {
        pass(10);
        waited += 10;
      }
      pauses.push(waited);
      breaker.failed();
    }
    expect(pauses).toEqual([100, 200, 300, 300]);
  });

  it('is not kept open by answers that were on their way when it opened', () => {
    const { breaker, fail, pass } = make();
    fail(3);
    pass(90);
    fail(5);
    pass(10);
    expect(breaker.admits()).toBe(true);
  });
});
