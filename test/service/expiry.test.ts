import { expect, it } from 'vitest';
import { exceptionSchema } from '../../src/route/exceptions-schema.ts';
import { openExpiry } from '../../src/service/expiry.ts';
import { type Log, silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { manualClock } from '../support/clock.ts';

it('an exception that expires is told of once, at the start or when it happens', async () => {
  const clock = manualClock(Date.parse('2026-11-22T23:59:00Z'));
  const metrics = new Metrics();
  const warned: unknown[] = [];
  const log: Log = { ...silentLog, warn: (_message, facts) => void warned.push(facts) };
  const one = (name: string, expires: string) =>
    exceptionSchema.parse({ name, reason: 'r', owner: 'web', match: { tool: 'curl' }, expires });
  let exceptions = [one('old', '2026-11-01'), one('tonight', '2026-11-22'), one('later', '2027-01-01')];
  const expiry = openExpiry({ config: () => ({ exceptions }), clock, metrics, log });
  const gauge = async () => /^lanner_exceptions_expired (\d)/m.exec(await metrics.registry.metrics())?.[1];

  expiry.start();
  expect(warned).toEqual([{ exception: 'old', expires: '2026-11-01', owner: 'web' }]);
  expect(await gauge()).toBe('1');
  await clock.advance(300_000);
  expect(warned.slice(1)).toEqual([{ exception: 'tonight', expires: '2026-11-22', owner: 'web' }]);
  expect(await gauge()).toBe('2');

  // Taken out and put in again, it is told again.
  exceptions = [one('later', '2027-01-01')];
  expiry.look();
  expect(await gauge()).toBe('0');
  exceptions = [one('old', '2026-11-01')];
  expiry.look();
  expect(warned).toHaveLength(3);
  expiry.stop();
  expect(clock.pending).toBe(0);
});
