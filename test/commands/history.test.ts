import { describe, expect, it } from 'vitest';
import { filterOf } from '../../src/commands/history-filter.ts';

const now = Date.parse('2026-11-22T12:00:00Z');

describe('the filter of lanner history query', () => {
  it.each([
    [{}, {}],
    [{ since: '24h' }, { since: '2026-11-21T12:00:00.000000000Z' }],
    [
      { since: '2026-11-01', until: '1d' },
      { since: '2026-11-01T00:00:00.000000000Z', until: '2026-11-21T12:00:00.000000000Z' },
    ],
    [{ until: '2026-11-01T10:00:00+02:00' }, { until: '2026-11-01T08:00:00.000000000Z' }],
    [{ severity: '>=high' }, { severities: ['high', 'critical'] }],
    [{ severity: 'low, critical' }, { severities: ['low', 'critical'] }],
    [
      { hidden: true, tool: 'curl' },
      { hidden: true, tool: 'curl' },
    ],
    [{ told: true }, { hidden: false }],
  ])('%j', (flags, filter) => {
    expect(filterOf(flags, now)).toEqual(filter);
  });

  it.each([
    [{ since: 'soon' }],
    [{ severity: 'loud' }],
    [{ severity: 'none' }],
    [{ hidden: true, told: true }],
  ])('refuses %j', (flags) => {
    expect(() => filterOf(flags, now)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
