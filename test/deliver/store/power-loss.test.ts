import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpoolRecord } from '../../../src/deliver/store/contract.ts';
import { type Change, openSqlite, type SqliteStore } from '../../../src/deliver/store/sqlite.ts';
import { aRecord, temporaryDirectory } from '../../support/spool.ts';

/** What the store must hold, written down the plain way. */
interface Model {
  waiting: Map<string, { attempts: number; unit: string | undefined; record: SpoolRecord }>;
  dead: Map<string, { reason: string; died_ms: number; record: SpoolRecord }>;
}

function apply(model: Model, change: Change): Model {
  const waiting = new Map([...model.waiting].map(([id, value]) => [id, { ...value }]));
  const dead = new Map(model.dead);
  const chosen = 'ids' in change ? change.ids : [];
  switch (change.op) {
    case 'put':
      for (const record of change.records) {
        const { id } = record.entry;
        if (!waiting.has(id)) waiting.set(id, { attempts: 0, unit: undefined, record });
      }
      break;
    case 'remove':
      for (const id of chosen) waiting.delete(id);
      break;
    case 'attempted':
      for (const id of new Set(chosen)) if (waiting.has(id)) waiting.get(id)!.attempts += 1;
      break;
    case 'compose':
      for (const id of chosen) if (waiting.has(id)) waiting.get(id)!.unit = change.unit;
      break;
    case 'bury':
      for (const id of chosen) {
        const value = waiting.get(id);
        if (!value) continue;
        waiting.delete(id);
        dead.set(id, { reason: change.reason, died_ms: change.at_ms, record: value.record });
      }
      break;
    case 'revive': {
      const order = [...dead].filter(([id]) => chosen.includes(id));
      for (const [id, { record }] of order.sort(([, a], [, b]) => a.died_ms - b.died_ms)) {
        dead.delete(id);
        if (!waiting.has(id)) waiting.set(id, { attempts: 0, unit: undefined, record });
      }
      break;
    }
    case 'drop_dead':
      for (const id of chosen) dead.delete(id);
      break;
    case 'prune':
      break;
  }
  return { waiting, dead };
}

const seen = (model: Model) => ({
  waiting: [...model.waiting].map(([id, value]) => [id, value.attempts, value.unit]),
  dead: [...model.dead].map(([id, value]) => [id, value.reason, value.died_ms]).sort(),
});

const found = (store: SqliteStore) => ({
  waiting: store.entries().map((entry) => [entry.id, entry.attempts, entry.unit]),
  dead: store
    .deadLetters(100)
    .map((letter) => [letter.entry.id, letter.reason, letter.died_ms])
    .sort(),
});

const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 4 });
let clock = 0;
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: ids.map((some) => ({ op: 'put' as const, records: some.map((id) => aRecord(id)) })),
  },
  { weight: 2, arbitrary: ids.map((some) => ({ op: 'remove' as const, ids: some })) },
  ids.map((some) => ({ op: 'attempted' as const, ids: some })),
  fc
    .tuple(ids, fc.constantFrom('u1', 'u2', undefined))
    .map(([some, unit]) => ({ op: 'compose' as const, unit, ids: some })),
  // One at a time: the order of a burial is the order of its time.
  ids.map((some) => ({
    op: 'bury' as const,
    ids: some.slice(0, 1),
    reason: 'client_error' as const,
    detail: '',
    at_ms: ++clock,
  })),
  ids.map((some) => ({ op: 'revive' as const, ids: some })),
  ids.map((some) => ({ op: 'drop_dead' as const, ids: some })),
);
const commits = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });

describe('the store', () => {
  it('holds what the model holds after any operations, and after a restart', () => {
    fc.assert(
      fc.property(commits, (all) => {
        const directory = temporaryDirectory();
        const store = openSqlite(directory);
        let model: Model = { waiting: new Map(), dead: new Map() };
        for (const changes of all) {
          store.apply(changes);
          for (const each of changes) model = apply(model, each);
          expect(found(store)).toEqual(seen(model));
        }
        store.close();
        const again = openSqlite(directory);
        expect(found(again)).toEqual(seen(model));
        again.close();
      }),
      { numRuns: 40 },
    );
  });

  it('has, after the power fails at any byte, exactly what was committed by then', () => {
    fc.assert(
      fc.property(
        commits,
        fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (all, cuts, torn) => {
          const directory = temporaryDirectory();
          const file = join(directory, 'lanner.db');
          const store = openSqlite(directory);
          let model: Model = { waiting: new Map(), dead: new Map() };
          const walSize = () => statSync(`${file}-wal`).size;
          const states = [{ size: walSize(), model }];
          for (const changes of all) {
            store.apply(changes);
            for (const each of changes) model = apply(model, each);
            states.push({ size: walSize(), model });
          }
          const wal = readFileSync(`${file}-wal`);
          const first = states[0]!.size;
          for (const [index, cut] of cuts.entries()) {
            const length = first + (cut % (wal.length - first + 1));
            const crashed = join(directory, `crash-${index}`);
            mkdirSync(crashed);
            copyFileSync(file, join(crashed, 'lanner.db'));
            // What was being written when the power failed may be anything.
            const tail = torn ? Buffer.alloc(Math.min(5000, wal.length - length), 0xa5) : Buffer.alloc(0);
            writeFileSync(join(crashed, 'lanner.db-wal'), Buffer.concat([wal.subarray(0, length), tail]));
            const committed = states.filter((state) => state.size <= length).at(-1)!;
            const again = openSqlite(crashed);
            expect(again.setAside).toBeUndefined();
            expect(found(again)).toEqual(seen(committed.model));
            again.close();
          }
          store.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('changes nothing by a call that fails', () => {
    const store = openSqlite(temporaryDirectory(), { max_pages: 20 });
    store.apply([{ op: 'put', records: [aRecord('kept')] }]);
    const big = { ...aRecord('big'), payload: 'x'.repeat(200_000) };
    expect(() =>
      store.apply([
        { op: 'remove', ids: ['kept'] },
        { op: 'put', records: [big] },
      ]),
    ).toThrow(/full/);
    expect(store.entries().map((entry) => entry.id)).toEqual(['kept']);
    store.apply([{ op: 'put', records: [aRecord('next')] }]);
    expect(store.entries().map((entry) => entry.id)).toEqual(['kept', 'next']);
    store.close();
  });
});
