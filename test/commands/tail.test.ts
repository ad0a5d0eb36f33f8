import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { follow, type TailFlags } from '../../src/commands/tail.ts';
import { parseConfig } from '../../src/config.ts';
import { openFeed } from '../../src/history/feed.ts';
import { recordOf } from '../../src/history/recorder.ts';
import { serveControl } from '../../src/http/control.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { HistoryPage } from '../../src/model/history.ts';
import { type HistoryQuestion, tailHandler } from '../../src/service/control.ts';
import { aFinding } from '../support/finding.ts';
import { temporaryDirectory } from '../support/spool.ts';

const told = { hidden: false, sinks: [] };
const at = (second: number) => `2026-11-22T12:00:${String(second).padStart(2, '0')}.000000000Z`;

/** A Lanner that is asked over a real socket: what it has kept, and a feed to publish to. */
async function aLanner(directory: string, kept: Finding[] = []) {
  const feed = openFeed();
  const asked: HistoryQuestion[] = [];
  const listeners: number[] = [];
  const server = await serveControl(join(directory, 'control.sock'), {
    status: () => ({}),
    history_query(question: HistoryQuestion): HistoryPage {
      asked.push(question);
      const fits = kept.filter(({ time }) => time >= (question.filter.since ?? ''));
      return { payloads: fits.map((one) => JSON.stringify(one)) };
    },
    ...tailHandler(feed, { listeners: (count) => listeners.push(count), dropped: () => {} }),
  });
  onTestFinished(() => server.close());
  const find = (finding: Finding, hidden = false) =>
    feed.publish(recordOf(finding, { ...told, hidden }, 0), false);
  return { feed, asked, listeners, find, close: server.close };
}

function start(directory: string, flags: Partial<TailFlags> = {}) {
  const config = parseConfig(`version: 1\nstate_dir: ${directory}\nsources: {t: {type: tetragon}}\n`, 'test');
  const out: string[] = [];
  const err: string[] = [];
  const ending = new AbortController();
  const done = follow(
    config,
    { json: true, ...flags },
    {
      out: { write: (text) => out.push(text) > 0, once: () => {} },
      err: { write: (text) => err.push(text) },
      paint: (_style, text) => text,
    },
    ending.signal,
  );
  onTestFinished(() => ending.abort());
  const ids = () => out.map((line) => (JSON.parse(line) as Finding).id);
  return { out, err, ids, done, end: () => ending.abort() };
}

describe('lanner tail', () => {
  it('shows what is found as it is found, what fits the filters only, until it is ended', async () => {
    const directory = temporaryDirectory();
    const lanner = await aLanner(directory);
    const all = start(directory);
    const some = start(directory, { severity: '>=critical' });
    const hidden = start(directory, { hidden: true, json: false });
    await vi.waitFor(() => expect(lanner.feed.listeners).toBe(3));
    lanner.find(aFinding({ id: 'f-1' }));
    lanner.find(aFinding({ id: 'f-2', severity: 'critical' }));
    const exceptions = [{ name: 'known', mode: 'hide' as const, applied: true, why: '' }];
    lanner.find(aFinding({ id: 'f-3', exceptions }), true);
    await vi.waitFor(() => expect(all.ids()).toEqual(['f-1', 'f-2', 'f-3']));
    await vi.waitFor(() => expect(some.ids()).toEqual(['f-2']));
    await vi.waitFor(() =>
      expect(hidden.out.join('')).toMatch(/HIGH +f-3 .* \(hide by known\)\n +curl -fsSL/),
    );
    for (const one of [all, some, hidden]) one.end();
    await Promise.all([all.done, some.done, hidden.done]);
    await vi.waitFor(() => expect(lanner.listeners.at(-1)).toBe(0));
  });

  it('begins with the past where it is asked to, and shows nothing twice', async () => {
    const directory = temporaryDirectory();
    const past = [aFinding({ id: 'f-1', time: at(1) }), aFinding({ id: 'f-2', time: at(2) })];
    const lanner = await aLanner(directory, past);
    const tail = start(directory, { since: at(1) });
    await vi.waitFor(() => expect(tail.ids()).toEqual(['f-1', 'f-2']));
    lanner.find(past[1]!);
    lanner.find(aFinding({ id: 'f-2', revision: 2, time: at(2) }));
    await vi.waitFor(() => expect(tail.ids()).toEqual(['f-1', 'f-2', 'f-2']));
    expect(lanner.asked[0]?.filter.since).toBe(at(1));
  });

  it('waits for a Lanner that restarts, and shows what was kept meanwhile', async () => {
    const directory = temporaryDirectory();
    const first = await aLanner(directory);
    const tail = start(directory);
    await vi.waitFor(() => expect(first.feed.listeners).toBe(1));
    first.find(aFinding({ id: 'f-1', time: at(10) }));
    await vi.waitFor(() => expect(tail.ids()).toEqual(['f-1']));
    await first.close();
    await vi.waitFor(() => expect(tail.err.join('')).toContain('Lanner has gone'));
    const second = await aLanner(directory, [
      aFinding({ id: 'f-1', time: at(10) }),
      aFinding({ id: 'f-2', time: at(11) }),
    ]);
    await vi.waitFor(() => expect(tail.ids()).toEqual(['f-1', 'f-2']), { timeout: 10_000 });
    second.find(aFinding({ id: 'f-3' }));
    await vi.waitFor(() => expect(tail.ids()).toEqual(['f-1', 'f-2', 'f-3']));
    expect(tail.err.join('')).toContain('connected again');
  });

  it('without a Lanner says where it looked', async () => {
    await expect(start(temporaryDirectory()).done).rejects.toMatchObject({ code: 'socket_missing' });
  });

  it('lets sixteen listen, and refuses the next', async () => {
    const directory = temporaryDirectory();
    const lanner = await aLanner(directory);
    for (let i = 0; i < 16; i += 1) start(directory);
    await vi.waitFor(() => expect(lanner.feed.listeners).toBe(16));
    await expect(start(directory).done).rejects.toMatchObject({ code: 'control_busy' });
  });
});
