import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { openGrouping } from '../../src/route/grouping.ts';
import { routeSchema } from '../../src/route/schema.ts';
import { compileRoutes } from '../../src/route/tree.ts';
import { aFinding } from '../support/finding.ts';

const start = 1_000_000_000_000;

/** Places findings at seconds after the start; answers when each is told, in seconds, or `now`. */
function placing(config: object) {
  const router = compileRoutes(routeSchema.parse(config), [{ name: 'ops' }]);
  const grouping = openGrouping();
  return (at_secs: number, change: Partial<Finding> = {}) => {
    const finding = aFinding(change);
    const now = start + at_secs * 1000;
    const [addressee] = grouping.place(finding, router.route(finding), now);
    if (!addressee?.hold) return 'now';
    return (addressee.hold.due_ms - start) / 1000;
  };
}

const grouped = {
  group_by: ['namespace', 'tool'],
  group_wait_secs: 10,
  group_interval_secs: 60,
  repeat_interval_secs: 3600,
};

describe('grouping', () => {
  it('is not done where no route asks for it', () => {
    const place = placing({});
    expect([place(0), place(0), place(1)]).toEqual(['now', 'now', 'now']);
  });

  it('gathers what comes while the first one waits', () => {
    const place = placing(grouped);
    expect([place(0), place(3), place(9.9)]).toEqual([10, 10, 10]);
  });

  it('tells what was told before only after the repeat interval, and something new after the group interval', () => {
    const place = placing(grouped);
    expect(place(0)).toBe(10);
    expect(place(20)).toBe(3610);
    expect(place(30)).toBe(3610);
    // New in the group: told earlier, and with it what waited.
    expect(place(40, { indicators: [] })).toBe(70);
    expect(place(45)).toBe(70);
    // That notice was the last one; both kinds are known now.
    expect(place(80, { indicators: [] })).toBe(3670);
  });

  it('lets a higher severity through at once, and only a higher one', () => {
    const place = placing(grouped);
    expect(place(0, { severity: 'medium' })).toBe(10);
    expect(place(2, { severity: 'critical' })).toBe(2);
    expect(place(20, { severity: 'critical' })).toBe(3602);
    expect(place(21, { severity: 'high' })).toBe(62);
  });

  it('does not wait in the past', () => {
    const place = placing(grouped);
    place(0);
    expect(place(500, { indicators: [] })).toBe(500);
  });

  it('begins anew after the group was quiet', () => {
    const place = placing(grouped);
    place(0, { severity: 'critical' });
    expect(place(3610, { severity: 'low' })).toBe(3620);
    expect(place(3612, { severity: 'high' })).toBe(3612);
  });

  it('keeps groups apart by the values of their fields', () => {
    const place = placing(grouped);
    expect([place(0), place(5, { tool: 'nc' })]).toEqual([10, 15]);
  });

  it('names the values in the notice, unknown ones too', () => {
    const router = compileRoutes(routeSchema.parse({ group_by: ['namespace', 'tool', 'indicator'] }), [
      { name: 'ops' },
    ]);
    const finding = aFinding();
    delete finding.exec.pod;
    const [addressee] = openGrouping().place(finding, router.route(finding), start);
    expect(addressee?.hold).toMatchObject({
      kind: 'group',
      labels: { namespace: 'unknown', tool: 'curl', indicator: 'web_server_ancestor, writable_directory' },
    });
  });
});

describe('a rate limit', () => {
  const limited = { rate_limit: { count: 3, per_secs: 60 } };

  it('lets so many through and holds the rest for one summary', () => {
    const place = placing(limited);
    expect([0, 1, 2, 3, 4, 5].map((at) => place(at))).toEqual(['now', 'now', 'now', 63, 63, 63]);
    expect(place(30)).toBe('now');
  });

  it('lets a higher severity through', () => {
    const place = placing(limited);
    for (let at = 0; at < 5; at++) place(at, { severity: 'medium' });
    expect(place(6, { severity: 'high' })).toBe('now');
    expect(place(7, { severity: 'high' })).not.toBe('now');
    expect(place(8, { severity: 'critical' })).toBe('now');
  });

  it('counts groups, not their findings', () => {
    const place = placing({ ...grouped, ...limited });
    expect([0, 1, 2, 3].map((at) => place(at))).toEqual([10, 10, 10, 10]);
    expect(['a', 'b'].map((tool) => place(4, { tool }))).toEqual([14, 14]);
    expect(place(5, { tool: 'c' })).toBe(65);
  });

  it('is one for each sink and route', () => {
    const router = compileRoutes(routeSchema.parse(limited), [{ name: 'a' }, { name: 'b' }]);
    const grouping = openGrouping();
    const finding = aFinding();
    const held = [0, 1, 2, 3].map((at) => grouping.place(finding, router.route(finding), start + at));
    expect(held.map((each) => each.map((addressee) => addressee.hold !== undefined))).toEqual([
      [false, false],
      [false, false],
      [false, false],
      [true, true],
    ]);
  });
});
