import { mkdirSync, readFileSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { until } from '../support/fixtures.ts';
import { get, post } from '../support/lanner.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { recordedLines, recordedMessages } from '../support/recordings.ts';
import {
  configText,
  openFrom,
  type Reloading,
  refused,
  same,
  startReloading,
  taken,
  writeConfigMap,
} from '../support/reloading.ts';
import { type Agent, startAgent } from '../support/tetragon-agent.ts';

const messages = recordedMessages('tetragon/scenario-k8s');
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function agent(): Promise<Agent> {
  const started = await startAgent('127.0.0.1:0');
  stops.push(started.kill);
  return started;
}
async function receiver(): Promise<Receiver> {
  const opened = await openReceiver();
  stops.push(opened.close);
  return opened;
}
async function start(...given: Parameters<typeof startReloading>): Promise<Reloading> {
  const one = await startReloading(...given);
  stops.push(one.stop);
  return one;
}
/** A running Lanner with one agent and one receiver. */
async function simple(more = '', others: Record<string, string> = {}) {
  const sensor = await agent();
  const ops = await receiver();
  const base = `sources: {t: {type: tetragon, address: "${sensor.address}"}}\nsinks: {ops: {type: webhook, url: "${ops.url}", retry_initial_secs: 0.05}}\n`;
  const lanner = await start(base + more, others);
  await until(() => sensor.streams.length === 1, 'the stream');
  return { sensor, ops, base, lanner };
}
const findings = (ops: Receiver) => ops.received.map(({ body }) => JSON.parse(body.toString()) as Finding);
const play = ({ streams }: Agent) => {
  for (const message of messages) streams.at(-1)!.write(message);
};
const exception = (name: string, match: string) =>
  `exceptions: [{name: ${name}, match: ${match}, reason: test}]\n`;

describe('a changed configuration file', () => {
  it('is taken over: exceptions hide from then on, the stream stays, and the log says what it changes', async () => {
    const { sensor, ops, base, lanner } = await simple();
    play(sensor);
    await until(() => ops.received.length > 20, 'findings');
    await lanner.service.pipeline.idle();
    const told = ops.received.length;
    lanner.write(base + exception('all-curl', '{tool: curl}'));
    await until(() => lanner.said(taken).length === 1, 'the reload');
    const curls = new Set(
      findings(ops)
        .filter(({ tool }) => tool === 'curl')
        .map(({ id }) => id),
    ).size;
    const [line] = lanner.said(taken);
    expect(line).toMatchObject({ cause: 'file', changes: { keys: ['exceptions'] } });
    const would = line!.would as Record<string, number>;
    expect(would.tried_on).toBeGreaterThanOrEqual(told);
    // Hard indicators break through: not each curl is hidden.
    expect(would.no_longer_fire).toBeGreaterThan(0);
    expect(would.no_longer_fire).toBeLessThanOrEqual(curls);
    expect(would).toMatchObject({ changed_severity: 0, changed_sinks: 0 });
    expect(sensor.streams).toHaveLength(1);
    expect(lanner.service.exceptions.unused()).toEqual(['all-curl']);
    expect(lanner.service.health().status).toBe('ok');
    expect(await lanner.metric('lanner_config_last_reload_successful')).toBe(1);
  });

  it('that cannot be taken over leaves the old one in force, says where and why, and mends itself', async () => {
    const { sensor, ops, base, lanner } = await simple();
    lanner.write(`${base}route: {min_severity: louder}\n`);
    await until(() => lanner.said(refused).length === 1, 'the refusal');
    expect(lanner.said(refused)[0]).toMatchObject({ cause: 'file', code: 'config_invalid' });
    expect(String(lanner.said(refused)[0]!.why)).toContain(
      `${lanner.file}:8:9 route.min_severity: unknown value "louder"`,
    );
    const { status, reasons, config } = lanner.service.health();
    expect(status).toBe('degraded');
    expect(reasons.join()).toContain('lanner.yaml:8:9');
    expect(config?.refused).toMatchObject({ code: 'config_invalid' });
    expect(await lanner.metric('lanner_config_last_reload_successful')).toBe(0);
    expect(await lanner.metric('lanner_config_last_reload_failure_timestamp_seconds')).toBeGreaterThan(1e9);
    play(sensor);
    await until(() => ops.received.length > 20, 'findings by the old one');
    lanner.write(base);
    await until(() => lanner.said(same).length === 1, 'the mended file');
    expect(lanner.service.health()).toMatchObject({ status: 'ok', reasons: [] });
    expect(await lanner.metric('lanner_config_last_reload_successful')).toBe(1);
  });

  it.each<[string, string, string, RegExp]>([
    ['YAML', 'exceptions:\n  - name: [\n', 'config_invalid', /exceptions\.yaml:3:1 not valid YAML/],
    [
      'reason',
      'exceptions:\n  - {name: a, match: {tool: curl}}\n',
      'config_invalid',
      /exceptions\.yaml:2:5 exceptions\.0\.reason: is missing/,
    ],
    [
      'CEL',
      "exceptions:\n  - {name: a, when: 'finding.tool == 3', reason: r}\n",
      'config_invalid',
      /exceptions\.yaml:2:15 exceptions\.0\.when: .*1:14/,
    ],
  ])(
    'with a broken file of exceptions (%s) is refused with the place in it',
    async (_what, text, code, place) => {
      const { lanner } = await simple('exceptions_file: exceptions.yaml\n', {
        'exceptions.yaml': 'exceptions: []\n',
      });
      writeFileSync(join(lanner.folder, 'exceptions.yaml'), text);
      await until(() => lanner.said(refused).length === 1, 'the refusal');
      expect(lanner.said(refused)[0]).toMatchObject({ code });
      expect(String(lanner.said(refused)[0]!.why)).toMatch(place);
      expect(lanner.service.health().reasons.join()).toMatch(place);
      writeFileSync(join(lanner.folder, 'exceptions.yaml'), exception('x', '{tool: curl}'));
      await until(() => lanner.said(taken).length === 1, 'the mended file');
      expect(lanner.service.health().status).toBe('ok');
      expect(lanner.service.exceptions.unused()).toEqual(['x']);
    },
  );

  it('that several writes make is read once, and one that was only touched is not', async () => {
    const { base, lanner } = await simple();
    for (let at = 0; at < 20; at++) {
      writeFileSync(lanner.file, configText(lanner.folder, base).slice(0, at * 10));
      await new Promise((resolve) => setImmediate(resolve));
    }
    writeFileSync(lanner.file, configText(lanner.folder, base + exception('x', '{tool: curl}')));
    await until(() => lanner.said(taken).length === 1, 'the reload');
    utimesSync(lanner.file, new Date(), new Date());
    renameSync(lanner.file, `${lanner.file}~`);
    writeFileSync(lanner.file, readFileSync(`${lanner.file}~`));
    lanner.write(base);
    await until(() => lanner.said(taken).length === 2, 'the next');
    expect([lanner.said(refused).length, lanner.said(same).length]).toEqual([0, 0]);
  });

  it('that is away for a moment is no error, and one when it stays away', async () => {
    const { base, lanner } = await simple();
    unlinkSync(lanner.file);
    await until(() => lanner.service.health().status === 'degraded', 'it stays away');
    expect(lanner.said(refused)).toHaveLength(1);
    expect(lanner.said(refused)[0]).toMatchObject({ code: 'config_unreadable' });
    lanner.write(base);
    await until(() => lanner.said(same).length === 1, 'it is back');
    unlinkSync(lanner.file);
    lanner.write(base + exception('x', '{tool: curl}'));
    await until(() => lanner.said(taken).length === 1, 'the reload');
    expect(lanner.said(refused)).toHaveLength(1);
  });

  it('is taken over on request too, and not watched where that is switched off', async () => {
    const { base, lanner } = await simple('notices: {}\n');
    const unwatched = (text: string) =>
      writeFileSync(
        lanner.file,
        configText(lanner.folder, text).replace('reload: {', 'reload: {watch: false, '),
      );
    unwatched(base);
    await until(() => lanner.said(taken).length === 1, 'the last that was watched');
    unwatched(base + exception('x', '{tool: curl}'));
    expect(await lanner.service.reload('SIGHUP')).toMatchObject({
      outcome: 'applied',
      changes: { keys: ['exceptions'] },
    });
    expect(await lanner.service.reload('SIGHUP')).toMatchObject({ outcome: 'unchanged' });
    expect(lanner.said(taken).map(({ cause }) => cause)).toEqual(['file', 'SIGHUP']);
  });

  it('names the keys that a restart applies, and applies the rest', async () => {
    const { ops, base, lanner } = await simple();
    lanner.write(`${base}processes: {max_entries: 200}\nqueue: {max_messages: 7}\n`);
    await until(() => lanner.said(taken).length === 1, 'the reload');
    expect(lanner.said(taken)[0]).toMatchObject({
      restart_needed: ['processes'],
      changes: { keys: ['queue'] },
    });
    expect(lanner.service.health()).toMatchObject({
      status: 'ok',
      config: { restart_needed: ['processes'] },
    });
    expect(lanner.service.config().processes.max_entries).not.toBe(200);
    expect(await lanner.metric('lanner_config_restart_needed')).toBe(1);
    lanner.write(base);
    await until(() => lanner.said(taken).length === 2, 'back');
    expect(lanner.service.health()).toMatchObject({ config: { restart_needed: [] } });
    expect(ops.received).toEqual([]);
  });
});

describe('a ConfigMap', () => {
  it('is taken over when the kubelet swaps it, exceptions and all, and refused when it is broken', async () => {
    const sensor = await agent();
    const folder = `${(await start(`sources: {t: {type: tetragon, address: "${sensor.address}"}}\n`)).folder}/volume`;
    mkdirSync(folder);
    const text = configText(
      folder,
      `sources: {t: {type: tetragon, address: "${sensor.address}"}}\nexceptions_file: exceptions.yaml\n`,
    );
    writeConfigMap(folder, { 'lanner.yaml': text, 'exceptions.yaml': 'exceptions: []\n' });
    const log: Parameters<typeof openFrom>[1] = [];
    const service = openFrom(join(folder, 'lanner.yaml'), log);
    await service.start();
    stops.push(() => service.stop(0));
    const said = (message: string) => log.filter((line) => line.message === message);
    writeConfigMap(folder, { 'lanner.yaml': text, 'exceptions.yaml': exception('x', '{tool: curl}') });
    await until(() => said(taken).length === 1, 'the swap');
    expect(service.exceptions.unused()).toEqual(['x']);
    writeConfigMap(folder, { 'lanner.yaml': text, 'exceptions.yaml': exception('x', '{tol: curl}') });
    await until(() => said(refused).length === 1, 'the broken one');
    expect(service.exceptions.unused()).toEqual(['x']);
    // Each sync of the kubelet makes new files; the same content is no change.
    writeConfigMap(folder, { 'lanner.yaml': text, 'exceptions.yaml': exception('x', '{tol: curl}') });
    writeConfigMap(folder, {
      'lanner.yaml': `${text}queue: {max_messages: 7}\n`,
      'exceptions.yaml': exception('y', '{tool: curl}'),
    });
    await until(() => said(taken).length === 2, 'both files at once');
    expect(service.exceptions.unused()).toEqual(['y']);
    expect(said(refused)).toHaveLength(1);
  });
});

describe('sources', () => {
  it('are left alone, reconnected, removed and added as they changed; counts survive', async () => {
    const [kept, changed, gone, fresh] = await Promise.all([agent(), agent(), agent(), agent()]);
    const ops = await receiver();
    const text = (sources: string) =>
      `sources: {${sources}}\nsinks: {ops: {type: webhook, url: "${ops.url}"}}\n`;
    const at = (name: string, { address }: Agent, more = '') =>
      `${name}: {type: tetragon, address: "${address}"${more}}`;
    const lanner = await start(text([at('kept', kept), at('changed', changed), at('gone', gone)].join(', ')));
    await until(() => [kept, changed, gone].every(({ streams }) => streams.length === 1), 'the streams');
    play(gone);
    await until(
      () => lanner.service.pipeline.counts().get('gone')?.messages === messages.length,
      'its messages',
    );
    lanner.write(
      text([at('kept', kept), at('changed', changed, ', silence_secs: 77'), at('fresh', fresh)].join(', ')),
    );
    await until(
      () => changed.streams.length === 2 && fresh.streams.length === 1,
      'the changed and the new stream',
    );
    expect(lanner.said(taken)[0]?.changes).toEqual({
      keys: ['sources'],
      sources: { added: ['fresh'], changed: ['changed'], removed: ['gone'] },
    });
    expect([kept.streams.length, gone.streams.length]).toEqual([1, 1]);
    expect(kept.streams[0]!.cancelled).toBe(false);
    expect(gone.streams[0]!.cancelled).toBe(true);
    play(kept);
    const counts = () => lanner.service.pipeline.counts();
    await until(() => counts().get('kept')?.messages === messages.length, 'the kept stream');
    expect(counts().get('kept')).toMatchObject({ connects: 1, disconnects: 0 });
    expect(counts().get('gone')).toMatchObject({ messages: messages.length });
    expect(lanner.service.sources.map(({ name }) => name).sort()).toEqual(['changed', 'fresh', 'kept']);
    const metrics = await get(`${lanner.http}/metrics`);
    expect(metrics).toContain('lanner_source_up{source="fresh"} 1');
    expect(metrics).not.toContain('lanner_source_up{source="gone"}');
  });

  it('that cannot listen are refused before anything is touched', async () => {
    const { base, lanner, sensor } = await simple();
    const other = createServer().listen(0, '127.0.0.1');
    stops.push(() => other.close());
    await until(() => other.listening, 'the other program');
    const { port } = other.address() as { port: number };
    lanner.write(
      `${base.replace('sources: {', `sources: {f: {type: falco_http, listen: "127.0.0.1:${port}"}, `)}queue: {max_messages: 7}\n`,
    );
    await until(() => lanner.said(refused).length === 1, 'the refusal');
    expect(lanner.said(refused)[0]).toMatchObject({ code: 'listen_failed' });
    expect(lanner.service.config().queue.max_messages).not.toBe(7);
    expect(sensor.streams).toHaveLength(1);
    other.close();
    expect(await lanner.service.reload('SIGHUP')).toMatchObject({ outcome: 'applied' });
    const state = () => lanner.service.health().sources.find(({ name }) => name === 'f')?.state;
    await until(() => state() === 'ok', 'it listens');
  });

  it('of Falco over HTTP keep their connections while only the relay changes', async () => {
    const [before, after] = await Promise.all([receiver(), receiver()]);
    const text = (url: string) =>
      `sources: {f: {type: falco_http, listen: "127.0.0.1:0", relay: {url: "${url}"}}}\n`;
    const lanner = await start(text(before.url));
    const listening = () => lanner.said('listening for Falco');
    await until(() => listening().length === 1, 'the receiver');
    const at = `http://${listening()[0]!.address}/`;
    const [first, second] = recordedLines('falco/scenario.http');
    await post(at, first!);
    await until(() => before.received.length === 1, 'the first');
    lanner.write(text(after.url));
    await until(() => lanner.said(taken).length === 1, 'the reload');
    expect(lanner.said(taken)[0]?.changes).toEqual({ keys: ['sources'], sinks: { changed: ['f.relay'] } });
    await post(at, second!);
    await until(() => after.received.length === 1, 'the second');
    expect(listening()).toHaveLength(1);
  });
});
