import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProcessTable } from '../../src/state/process-table.ts';

const bytes = (text: string) => Buffer.from(text);

function put(table: ProcessTable, key: string, parent: string, payload: string, seconds = 1) {
  const both = bytes(key + parent);
  const body = bytes(payload);
  table.put(both, 0, key.length, key.length, both.length, seconds, body, body.length);
}

describe('the process table', () => {
  it('gives back what was put, with the parent and the time', () => {
    const table = new ProcessTable();
    put(table, 'child', 'parent', 'sh -c id', 12.5);
    const found = table.get(bytes('child'));
    expect(found?.payload.toString()).toBe('sh -c id');
    expect(found?.parent.toString()).toBe('parent');
    expect(found?.seconds).toBe(12.5);
    expect(table.get(bytes('other'))).toBeUndefined();
  });

  it('keeps the first record of a key that comes again', () => {
    const table = new ProcessTable();
    put(table, 'a', '', 'first');
    put(table, 'a', '', 'second');
    expect(table.get(bytes('a'))?.payload.toString()).toBe('first');
    expect(table.entries).toBe(1);
  });

  it('lets a server that still has children outlast a storm of short-lived ones', () => {
    const table = new ProcessTable({ maxBytes: 4096, maxEntries: 1000 });
    put(table, 'supervisor', '', 'supervisord');
    put(table, 'server', 'supervisor', 'php-fpm');
    put(table, 'idle', '', 'never asked for');
    for (let i = 0; i < 5000; i += 1) put(table, `child-${i}`, 'server', `storm ${i}`);
    expect(table.get(bytes('server'))?.payload.toString()).toBe('php-fpm');
    expect(table.get(bytes('supervisor'))?.payload.toString()).toBe('supervisord');
    expect(table.get(bytes('idle'))).toBeUndefined();
    expect(table.get(bytes('child-0'))).toBeUndefined();
    expect(table.get(bytes('child-4999'))?.payload.toString()).toBe('storm 4999');
  });

  it('forgets a process that ended, but only after the late events had their time', () => {
    const table = new ProcessTable({ maxBytes: 2048, maxEntries: 1000, lateSeconds: 30 });
    put(table, 'dead', '', 'ended long ago', 100);
    put(table, 'late', '', 'ended just now', 100);
    table.exit(bytes('dead'), 0, 4, 100);
    table.exit(bytes('late'), 0, 4, 199);
    table.touch(bytes('dead'), 0, 4);
    table.touch(bytes('late'), 0, 4);
    for (let i = 0; table.evicted === 0; i += 1) put(table, `child-${i}`, '', 'x'.repeat(40), 200);
    expect(table.get(bytes('dead'))).toBeUndefined();
    expect(table.get(bytes('late'))?.payload.toString()).toBe('ended just now');
  });

  it('refuses what could never fit, and stays usable', () => {
    const table = new ProcessTable({ maxBytes: 1024, maxEntries: 10 });
    put(table, 'huge', '', 'x'.repeat(2000));
    put(table, '', '', 'no key');
    expect(table.entries).toBe(0);
    put(table, 'fine', '', 'ok');
    expect(table.get(bytes('fine'))?.payload.toString()).toBe('ok');
  });

  it('keeps its bounds, and whatever it still knows is right, for any sequence of operations', () => {
    const key = fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`);
    const operation = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ op: fc.constant('put' as const), key, parent: key, size: fc.nat(120) }),
      },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('exit' as const), key }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('touch' as const), key }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const table = new ProcessTable({ maxBytes: 1500, maxEntries: 12 });
        const written = new Map<string, Set<string>>();
        let step = 0;
        for (const one of operations) {
          step += 1;
          if (one.op === 'put') {
            const payload = `${step}:`.padEnd(one.size, 'x');
            if (table.get(bytes(one.key)) === undefined) written.set(one.key, new Set([payload]));
            put(table, one.key, one.parent, payload, step);
            expect(table.get(bytes(one.key))).toBeDefined();
          } else if (one.op === 'exit') table.exit(bytes(one.key), 0, one.key.length, step);
          else table.touch(bytes(one.key), 0, one.key.length);
          expect(table.entries).toBeLessThanOrEqual(12);
          expect(table.bytes).toBeLessThanOrEqual(1500);
          let known = 0;
          for (const [name, payloads] of written) {
            const found = table.get(bytes(name));
            if (found === undefined) continue;
            known += 1;
            expect(payloads.has(found.payload.toString())).toBe(true);
          }
          expect(known).toBe(table.entries);
        }
      }),
      { numRuns: 150 },
    );
  });
});
