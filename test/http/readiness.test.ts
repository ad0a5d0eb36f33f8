import { describe, expect, it } from 'vitest';
import { type ReadinessView, readinessOf } from '../../src/http/readiness.ts';
import type { SourceHealth } from '../../src/model/intake.ts';

const source = (type: string, state: SourceHealth['state']): SourceHealth => ({
  name: 's',
  type,
  state,
  since: '2026-01-01T00:00:00Z',
});
const view = (changes: Partial<ReadinessView> = {}): ReadinessView => ({
  sources: [source('tetragon', 'ok')],
  spool: { durable: true, waiting: 0, bytes: 0, max_deliveries: 1, max_bytes: 1 },
  stopping: false,
  reasons: [],
  ...changes,
});

describe('readiness', () => {
  it('is ok where nothing is wrong', () => {
    expect(readinessOf(view())).toEqual({ ready: true, status: 'ok', unready: [], degraded: [] });
  });

  it.each([
    ['a sensor that is away', { sources: [source('tetragon', 'degraded')] }],
    ['a sensor that never answered', { sources: [source('falco_grpc', 'starting')] }],
    ['a receiver that gets text', { sources: [source('falco_http', 'degraded')] }],
    ['a parked sink', {}],
  ])('is degraded, not unready, by %s', (what, changes) => {
    expect(readinessOf(view({ ...changes, reasons: [what] }))).toEqual({
      ready: true,
      status: 'degraded',
      unready: [],
      degraded: [what],
    });
  });

  it.each([
    ['source s does not listen yet (starting)', { sources: [source('falco_http', 'starting')] }],
    ['the spool takes no writes: disk full', { spool: { ...view().spool, degraded: 'disk full' } }],
    ['Lanner is stopping', { stopping: true }],
  ])('is not there: %s', (reason, changes) => {
    expect(readinessOf(view(changes))).toMatchObject({ ready: false, status: 'unready', unready: [reason] });
  });
});
