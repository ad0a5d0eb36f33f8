import { describe, expect, it } from 'vitest';
import type { ExecEvent } from '../src/model/exec-event.ts';
import type { Finding, Severity } from '../src/model/finding.ts';
import type { MissedExec } from '../src/model/history.ts';
import type { Detector } from '../src/model/intake.ts';
import { findingId, openPipeline, type PipelineParts } from '../src/pipeline.ts';
import { ProcessTable } from '../src/state/process-table.ts';
import { RecentExecs } from '../src/state/recent.ts';
import { type Log, silentLog } from '../src/telemetry/log.ts';
import { netcatDetector } from './support/detector.ts';

function event(id: string, binary = '/bin/nc'): ExecEvent {
  return {
    id,
    time: '2026-01-02T03:04:05.000000000Z',
    sensor: 'tetragon',
    source: 't',
    container: { id: 'abc', name: 'web' },
    process: { binary, argv: [binary, 'h', '1'], argv_quality: 'exact', argv0_known: false },
    ancestors: [],
  };
}
const decode = (message: Buffer): ExecEvent | undefined => {
  const text = message.toString();
  if (text === 'broken') throw new Error('cannot be decoded');
  return text === 'nothing' ? undefined : event(text);
};

function open(parts: Partial<PipelineParts> = {}) {
  const accepted: Finding[] = [];
  const pipeline = openPipeline({
    detector: netcatDetector(),
    processes: new ProcessTable({ maxBytes: 65_536 }),
    recent: new RecentExecs({ containers: 4 }),
    route: () => ['sink'],
    accept: async (finding) => void accepted.push(finding),
    minSeverity: 'low',
    queue: { max_messages: 100, max_bytes: 100_000 },
    log: silentLog,
    ...parts,
  });
  return { pipeline, accepted, intake: pipeline.intake('t') };
}

describe('the pipeline', () => {
  it('judges what is offered, in order, and hands findings to delivery', async () => {
    const { pipeline, accepted, intake } = open();
    for (let i = 0; i < 50; i += 1) expect(intake.offer(Buffer.from(`e${i}`), decode)).toBe(true);
    await pipeline.idle();
    expect(accepted.map((finding) => finding.exec.id)).toEqual(Array.from({ length: 50 }, (_, i) => `e${i}`));
    expect(accepted[0]).toMatchObject({
      schema: 'lanner.finding/v1',
      id: findingId('e0'),
      revision: 1,
      title: 'netcat executed in container web',
      why: ['it is netcat'],
    });
    expect(pipeline.findings()).toEqual([
      { severity: 'high', tool: 'netcat', category: 'netcat', count: 50 },
    ]);
    expect(intake.counts.judged).toBe(50);
  });

  it('gives the same exec the same finding id, whoever reads it again', () => {
    expect(findingId('tetragon:x')).toBe(findingId('tetragon:x'));
    expect(findingId('tetragon:x')).not.toBe(findingId('tetragon:y'));
  });

  it('drops what passes the bounds of the queue, counts it, and goes on', async () => {
    const { pipeline, accepted, intake } = open({ queue: { max_messages: 3, max_bytes: 100_000 } });
    const taken = Array.from({ length: 5 }, (_, i) => intake.offer(Buffer.from(`e${i}`), decode));
    expect(taken).toEqual([true, true, true, false, false]);
    expect(intake.counts.dropped).toEqual({ queue_full: 2 });
    expect(intake.counts.unreadable).toBe(0);
    await pipeline.idle();
    expect(intake.offer(Buffer.from('later'), decode)).toBe(true);
    await pipeline.idle();
    expect(accepted).toHaveLength(4);
  });

  it('tells of what named a tool and did not fire, or fired below what anybody wants, and of nothing else', () => {
    const missed: MissedExec[] = [];
    const severities: Severity[] = ['none', 'info', 'low'];
    const { intake, accepted } = open({
      detector: {
        ...netcatDetector(),
        names: () => false,
        judge: ({ id }) => ({
          ...netcatDetector().judge(event(id)),
          severity: severities[Number(id) % 3]!,
          ...(id === '3' && { tool: undefined }),
        }),
      } as Detector,
      place: { node: 'n1' },
      onMiss: (one) => missed.push(one),
    });
    for (const id of ['0', '1', '2', '3']) void intake.judge(event(id));
    expect(missed.map((one) => [one.event.id, one.verdict.severity, one.floor, one.event.node])).toEqual([
      ['0', 'none', 'low', 'n1'],
      ['1', 'info', 'low', 'n1'],
    ]);
    expect(accepted.map(({ exec }) => exec.id)).toEqual(['2']);
  });

  it('judges what names a tool by itself once, with its facts, and anything else before them too', async () => {
    const seen: string[] = [];
    const judging = (names: boolean) => ({
      ...netcatDetector(),
      names: () => names,
      judge: (one: ExecEvent) => {
        seen.push(one.image?.tag ?? 'as it came');
        return netcatDetector().judge(one);
      },
    });
    const enrich = (one: ExecEvent) => ({ ...one, image: { tag: 'known' } });
    const once = open({ detector: judging(true), enrich });
    await once.intake.judge(event('a'));
    expect(seen.splice(0)).toEqual(['known']);
    const twice = open({ detector: judging(false), enrich });
    await twice.intake.judge(event('a'));
    expect(seen).toEqual(['as it came', 'known']);
    expect(twice.accepted).toEqual(once.accepted);
  });

  it('bounds the queue by bytes too', () => {
    const { intake } = open({ queue: { max_messages: 100, max_bytes: 1000 } });
    const taken = Array.from({ length: 3 }, () => intake.offer(Buffer.alloc(600), decode));
    expect(taken).toEqual([true, false, false]);
  });

  it('counts what cannot be decoded, names it once, and judges the rest', async () => {
    const warnings: string[] = [];
    const log: Log = {
      ...silentLog,
      warn: (message, fields) => void warnings.push(JSON.stringify({ message, ...fields })),
    };
    const { pipeline, accepted, intake } = open({ log });
    for (const text of ['a', 'broken', 'b', 'broken', 'nothing', 'c'])
      intake.offer(Buffer.from(text), decode);
    await pipeline.idle();
    expect(accepted.map((finding) => finding.exec.id)).toEqual(['a', 'b', 'c']);
    expect(intake.counts.dropped).toEqual({ undecodable: 2 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('cannot be decoded');
  });

  it('answers a receiver at once when nothing is reported, and when it is accepted otherwise', async () => {
    let accept: () => void = () => {};
    const { intake } = open({
      accept: () =>
        new Promise((resolve) => {
          accept = resolve;
        }),
    });
    expect(intake.judge(event('x', '/bin/ls'))).toBeUndefined();
    const pending = intake.judge(event('y'));
    let done = false;
    void pending?.then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    accept();
    await pending;
    expect(done).toBe(true);
  });

  it('enriches only what names a tool, and waits for it without blocking others', async () => {
    const asked: string[] = [];
    let answer: () => void = () => {};
    const { pipeline, accepted, intake } = open({
      enrich: (one) => {
        asked.push(one.id);
        const rich = { ...one, image: { reference: 'lab/web:1' } };
        if (one.id !== 'slow') return rich;
        return new Promise((resolve) => {
          answer = () => resolve(rich);
        });
      },
    });
    intake.judge(event('boring', '/bin/ls'));
    intake.judge(event('slow'));
    intake.judge(event('quick'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual(['slow', 'quick']);
    expect(accepted.map((finding) => finding.exec.id)).toEqual(['quick']);
    answer();
    await pipeline.idle();
    expect(accepted.map((finding) => finding.title)).toEqual([
      'netcat executed in container web (lab/web:1)',
      'netcat executed in container web (lab/web:1)',
    ]);
  });

  it('tells the finding again when facts come that were unknown', async () => {
    let answer: (event: ExecEvent | undefined) => void = () => {};
    const { pipeline, accepted, intake } = open({
      enrich: (one) => ({ ...one, unknown: { image: 'deadline' } }),
      later: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    intake.judge(event('x'));
    await pipeline.idle();
    answer({ ...event('x'), image: { reference: 'lab/web:1' } });
    await new Promise((resolve) => setImmediate(resolve));
    await pipeline.idle();
    expect(accepted.map(({ id, revision, exec }) => [id, revision, exec.unknown, exec.image])).toEqual([
      [findingId('x'), 1, { image: 'deadline' }, undefined],
      [findingId('x'), 2, undefined, { reference: 'lab/web:1' }],
    ]);
  });

  it('reports nothing below the lowest severity, and delivers nothing without a sink', async () => {
    const heard: string[] = [];
    const low = open({ minSeverity: 'critical' });
    low.intake.judge(event('x'));
    expect(low.accepted).toEqual([]);
    const nowhere = open({ route: () => [], onFinding: (finding) => void heard.push(finding.exec.id) });
    expect(nowhere.intake.judge(event('y'))).toBeUndefined();
    expect(nowhere.accepted).toEqual([]);
    expect(heard).toEqual(['y']);
  });

  it('survives a delivery that fails, and says so', async () => {
    const errors: string[] = [];
    const { pipeline, intake } = open({
      accept: () => Promise.reject(new Error('disk on fire')),
      log: {
        ...silentLog,
        error: (message, fields) => void errors.push(JSON.stringify({ message, ...fields })),
      },
    });
    await intake.judge(event('x'));
    await pipeline.idle();
    expect(errors.join()).toContain('disk on fire');
  });

  it('lets timers and sockets have their turn while it works through a burst', async () => {
    const { pipeline, intake } = open({ queue: { max_messages: 200_000, max_bytes: 1e9 } });
    const slow = (message: Buffer) => {
      const until = performance.now() + 0.2;
      while (performance.now() < until);
      return decode(message);
    };
    for (let i = 0; i < 300; i += 1) intake.offer(Buffer.from(`e${i}`), slow);
    let turns = 0;
    const tick = () => {
      turns += 1;
      if (pipeline.queued().messages > 0) setImmediate(tick);
    };
    setImmediate(tick);
    await pipeline.idle();
    expect(turns).toBeGreaterThan(5);
  });

  it('tells nothing of what is hidden, and hears of it without its secrets', async () => {
    const hidden: string[] = [];
    const { pipeline, accepted, intake } = open({
      except: (finding) => ({ finding, hidden: finding.exec.id === 'e1' }),
      redact: (finding) => ({ ...finding, title: 'redacted' }),
      onHidden: (finding) => hidden.push(`${finding.exec.id} ${finding.title}`),
    });
    for (const id of ['e0', 'e1', 'e2']) intake.offer(Buffer.from(id), decode);
    await pipeline.idle();
    expect(accepted.map((finding) => finding.exec.id)).toEqual(['e0', 'e2']);
    expect(hidden).toEqual(['e1 redacted']);
    expect(pipeline.hidden()).toBe(1);
    expect(pipeline.findings()).toEqual([{ severity: 'high', tool: 'netcat', category: 'netcat', count: 2 }]);
  });

  it('routes a lowered finding by its new severity', async () => {
    const routed: string[] = [];
    const { pipeline, intake } = open({
      except: (finding) => ({
        finding: { ...finding, severity: 'low', severity_before: 'high' },
        hidden: false,
      }),
      route: (finding) => {
        routed.push(finding.severity);
        return [];
      },
    });
    intake.offer(Buffer.from('e'), decode);
    await pipeline.idle();
    expect(routed).toEqual(['low']);
  });

  it('tells a hidden finding once later facts take away what hid it', async () => {
    const { pipeline, accepted, intake } = open({
      except: (finding) => ({ finding, hidden: finding.exec.image === undefined }),
      enrich: (one) => ({ ...one, unknown: { image: 'late' } }),
      later: async (one) => ({ ...one, image: { repository: 'r' } }),
    });
    intake.offer(Buffer.from('e'), decode);
    await new Promise((resolve) => setImmediate(resolve));
    await pipeline.idle();
    expect(accepted.map(({ exec }) => exec.image?.repository)).toEqual(['r']);
  });
});
