import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/lib/deadlines.ts';
import { manualClock } from '../support/clock.ts';

function open(ms = 100) {
  const clock = manualClock();
  const missed: string[] = [];
  const deadlines = new Deadlines<string>(clock, ms, (item) => missed.push(item));
  return { clock, missed, deadlines };
}

describe('deadlines', () => {
  it('are missed in order, each at its time, and not before', async () => {
    const { clock, missed, deadlines } = open();
    deadlines.start('a');
    await clock.advance(60);
    deadlines.start('b');
    await clock.advance(39);
    expect(missed).toEqual([]);
    await clock.advance(1);
    expect(missed).toEqual(['a']);
    await clock.advance(59);
    expect(missed).toEqual(['a']);
    await clock.advance(1);
    expect(missed).toEqual(['a', 'b']);
    expect(clock.pending).toBe(0);
  });

  it('are not missed by what has ended, under one timer however many there are', async () => {
    const { clock, missed, deadlines } = open();
    for (const item of ['a', 'b', 'c']) deadlines.start(item);
    expect(clock.pending).toBe(1);
    deadlines.end('a');
    deadlines.end('c');
    await clock.advance(100);
    expect(missed).toEqual(['b']);
    deadlines.start('d');
    await clock.advance(100);
    expect(missed).toEqual(['b', 'd']);
  });

  it('hold what is started while one is missed', async () => {
    const clock = manualClock();
    const missed: string[] = [];
    const deadlines = new Deadlines<string>(clock, 100, (item) => {
      missed.push(item);
      if (missed.length < 3) deadlines.start(`${item}'`);
    });
    deadlines.start('a');
    await clock.advance(250);
    expect(missed).toEqual(['a', "a'"]);
    await clock.advance(50);
    expect(missed).toEqual(['a', "a'", "a''"]);
    expect(clock.pending).toBe(0);
  });

  it('are each missed at their time, whatever is started while one before them is missed', async () => {
    const clock = manualClock();
    const missed: string[] = [];
    const deadlines = new Deadlines<string>(clock, 100, (item) => {
      missed.push(item);
      if (item === 'a') deadlines.start('c');
    });
    deadlines.start('a');
    await clock.advance(10);
    deadlines.start('b');
    await clock.advance(100);
    expect(missed).toEqual(['a', 'b']);
    await clock.advance(90);
    expect(missed).toEqual(['a', 'b', 'c']);
    expect(clock.pending).toBe(0);
  });

  it('end a wait at the latest after their length where the clock is set back', () => {
    let now = 1_000_000;
    const timers: { ms: number; action: () => void }[] = [];
    const missed: string[] = [];
    const after = (ms: number, action: () => void) => {
      timers.push({ ms, action });
      return () => {};
    };
    const deadlines = new Deadlines<string>({ now: () => now, after }, 100, (item) => missed.push(item));
    deadlines.start('a');
    now += 50;
    deadlines.start('b');
    now -= 500_000;
    timers[0]?.action();
    expect(missed).toEqual(['a', 'b'].slice(0, 1));
    expect(timers[1]?.ms).toBe(50);
    timers[1]?.action();
    expect(missed).toEqual(['a', 'b']);
  });

  it('leave no timer when they are closed', () => {
    const { clock, deadlines } = open();
    deadlines.start('a');
    deadlines.end('a');
    expect(clock.pending).toBe(1);
    deadlines.close();
    expect(clock.pending).toBe(0);
  });
});
