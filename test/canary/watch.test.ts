import { describe, expect, it } from 'vitest';
import { canarySchema } from '../../src/canary/config.ts';
import { canaryBinary } from '../../src/canary/program.ts';
import { openCanaryWatch } from '../../src/canary/watch.ts';
import type { CanaryCheck } from '../../src/model/canary.ts';
import type { SourceHealth } from '../../src/model/intake.ts';
import { manualClock } from '../support/clock.ts';

const health = (name: string, state: SourceHealth['state'] = 'ok', type = 'tetragon'): SourceHealth => ({
  name,
  type,
  state,
  since: '',
});

/** Shows an exec to the check of a source as the early test does. */
function show(check: CanaryCheck | undefined, args: readonly string[], binary = canaryBinary): boolean {
  const path = Buffer.from(`..${binary}`);
  const bytes = Buffer.concat([path, Buffer.from(args.join(' '))]);
  return check!.exec(bytes, 2, path.length, path.length, bytes.length);
}

function watching(config: object = {}, sources = [health('t')], fails?: () => string | undefined) {
  const clock = manualClock();
  const told: string[] = [];
  const runs: (readonly string[])[] = [];
  const watch = openCanaryWatch({
    config: canarySchema.parse({ enabled: true, interval_secs: 300, within_secs: 30, ...config }),
    names: sources.map(({ name }) => name),
    sources: () => sources,
    clock,
    events: {
      ended: (source, outcome) => told.push(`${source} ${outcome}`),
      reported: (source, delay) => told.push(`${source} after ${delay}`),
      blind: (source, is) => told.push(`${source} blind ${is}`),
      forgotten: (source) => told.push(`${source} forgotten`),
      repeated: (source) => told.push(`${source} repeated`),
      failed: (reason) => told.push(`failed ${reason}`),
    },
    async run(args) {
      const reason = fails?.();
      if (reason !== undefined) throw new Error(reason);
      runs.push(args);
    },
  });
  const states = () => watch.health().map(({ source, state }) => `${source} ${state}`);
  return {
    clock,
    told,
    runs,
    watch,
    states,
    sources,
    report: (source = 't') => show(watch.check(source), runs.at(-1)!),
  };
}

describe('a canary', () => {
  it('is run soon after the start and then at its interval, and is seen', async () => {
    const { clock, told, runs, watch, states, report } = watching();
    watch.start();
    expect(states()).toEqual(['t waiting']);
    await clock.advance(5_000);
    expect(runs).toHaveLength(1);
    await clock.advance(120);
    expect(report()).toBe(true);
    expect(told).toEqual(['t after 120', 't seen']);
    expect(watch.health()[0]).toMatchObject({
      state: 'seen',
      delay_ms: 120,
      last_seen: '2026-11-22T12:00:05.120Z',
    });
    await clock.advance(299_000);
    expect(runs).toHaveLength(1);
    await clock.advance(1_000);
    expect(runs).toHaveLength(2);
  });

  it('that is missed once is followed at once by another, before anything is said', async () => {
    const { clock, told, runs, watch, states, report } = watching();
    watch.start();
    await clock.advance(35_000);
    expect([told, states(), runs.length]).toEqual([['t missed'], ['t missed'], 2]);
    report();
    expect(states()).toEqual(['t seen']);
    expect(told).toEqual(['t missed', 't after 0', 't seen']);
  });

  it('missed twice makes the sensor blind, until one is seen', async () => {
    const { clock, told, runs, watch, states, report } = watching();
    watch.start();
    await clock.advance(65_000);
    expect(told).toEqual(['t missed', 't missed', 't blind true']);
    expect(watch.health()[0]!.reason).toContain(
      '2 program starts of our own in a row were not reported within 30 s',
    );
    // From here on at the interval again, and told once.
    await clock.advance(269_000);
    expect(runs).toHaveLength(2);
    await clock.advance(31_000);
    expect([runs.length, states()]).toEqual([3, ['t blind']]);
    await clock.advance(270_000);
    report();
    expect(states()).toEqual(['t seen']);
    expect(told.filter((one) => one.includes('blind'))).toEqual(['t blind true', 't blind false']);
  });

  it('that comes late is recognized, and does not count as seen', async () => {
    const { clock, told, runs, watch, states } = watching();
    watch.start();
    await clock.advance(65_000);
    expect(show(watch.check('t'), runs[0]!)).toBe(true);
    expect(told.slice(-2)).toEqual(['t after 60000', 't late']);
    expect(states()).toEqual(['t blind']);
    expect(watch.health()[0]!.reason).toContain('reported late: the last after 60.0 s');
  });

  it('is not asked of a source that is not connected, nor held against one that goes', async () => {
    const sources = [health('t', 'degraded')];
    const { clock, told, runs, watch } = watching({}, sources);
    watch.start();
    await clock.advance(5_000);
    expect([told, runs]).toEqual([['t skipped'], []]);
    sources[0] = health('t');
    await clock.advance(30_000);
    expect(runs).toHaveLength(1);
    sources[0] = health('t', 'degraded');
    await clock.advance(30_000);
    expect(told).toEqual(['t skipped', 't skipped']);
    expect(watch.health()[0]!.state).toBe('waiting');
  });

  it('is held against each source by itself', async () => {
    const { clock, told, watch, states, report } = watching({ misses: 1 }, [
      health('a'),
      health('b', 'ok', 'falco_http'),
    ]);
    watch.start();
    await clock.advance(5_000);
    expect(report('a')).toBe(true);
    await clock.advance(30_000);
    expect(states()).toEqual(['a seen', 'b blind']);
    expect(told).toContain('b blind true');
    expect(watch.health()[1]!.reason).toContain('lanner_rules.yaml');
    expect(watch.check('c')).toBeUndefined();
  });

  it('that cannot be run blames no sensor', async () => {
    let reason: string | undefined = 'spawn ENOENT';
    const { clock, told, watch, states } = watching({}, [health('t')], () => reason);
    watch.start();
    await clock.advance(40_000);
    expect(told).toEqual([`failed ${canaryBinary} cannot be run: spawn ENOENT`, 't failed']);
    expect([watch.failure(), states()]).toEqual([
      `${canaryBinary} cannot be run: spawn ENOENT`,
      ['t waiting'],
    ]);
    reason = undefined;
    await clock.advance(300_000);
    expect(watch.failure()).toBeUndefined();
  });
});

describe('what a canary hides', () => {
  const running = async () => {
    const one = watching();
    one.watch.start();
    await one.clock.advance(5_000);
    return { ...one, check: one.watch.check('t')!, args: one.runs[0]! };
  };

  it('is itself, once; who repeats it is told', async () => {
    const { check, args, told } = await running();
    expect(show(check, args)).toBe(true);
    expect(show(check, args)).toBe(false);
    expect(told).toEqual(['t after 0', 't seen', 't repeated']);
  });

  const other = `--version lanner-canary-${'0'.repeat(32)}`;
  it.each<[string, (args: readonly string[]) => [string[], string?]]>([
    ['a nonce that was never given', () => [other.split(' ')]],
    ['another file', (args) => [[...args], '/tmp/node']],
    ['another file whose path is as long', (args) => [[...args], canaryBinary.replace(/.$/, 'x')]],
    ['more arguments', (args) => [[...args, '-e']]],
    ['other arguments of the same length', ([, mark]) => [['--inspect'.slice(0, 9), mark!]]],
    ['no arguments', () => [[]]],
  ])('is not %s', async (_name, forge) => {
    const { check, args, told } = await running();
    expect(show(check, ...forge(args))).toBe(false);
    expect(told).toEqual([]);
    expect(show(check, args)).toBe(true);
  });

  it('is nothing before one has run', () => {
    const { watch } = watching();
    expect(show(watch.check('t'), other.split(' '))).toBe(false);
  });
});
