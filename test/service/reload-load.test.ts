import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { until } from '../support/fixtures.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { recordedMessages } from '../support/recordings.ts';
import { refused, startReloading, taken } from '../support/reloading.ts';
import { startAgent } from '../support/tetragon-agent.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** One exec of netcat with a shell, to be made many: each in a container of its own, so that none is folded. */
const template = readFileSync(join(import.meta.dirname, '../corpus/dev.tetragon.jsonl'), 'utf8')
  .split('\n')
  .find((line) => line.includes('/tmp/nc -e /bin/sh'))!;
const { process: original } = (
  JSON.parse(template) as {
    process_exec: {
      process: { exec_id: string; parent_exec_id: string; pod: { container: { id: string } } };
    };
  }
).process_exec;
const container = original.pod.container.id.replace('containerd://', '');

function execLine(number: number): string {
  const hex = createHash('sha256').update(String(number)).digest('hex');
  const id = (word: string) => Buffer.from(`load:${word}${number}:${number}`).toString('base64');
  return `${template
    .replaceAll(container, hex)
    .replaceAll(container.slice(0, 31), hex.slice(0, 31))
    .replaceAll(original.exec_id, id('p'))
    .replaceAll(original.parent_exec_id, id('q'))}\n`;
}

/** A receiver that takes a while, and refuses one in `failing`. */
async function receiver(failing = 0): Promise<Receiver & { ids(): string[] }> {
  const opened = await openReceiver();
  stops.push(opened.close);
  let asked = 0;
  const arrived: string[] = [];
  opened.answer = (request, response) => {
    asked += 1;
    const refuse = failing > 0 && asked % failing === 0;
    setImmediate(() => response.writeHead(refuse ? 503 : 204).end());
    if (!refuse) arrived.push((JSON.parse(request.body.toString()) as Finding).id);
  };
  return Object.assign(opened, { ids: () => arrived });
}

describe('reloads under load', () => {
  it('lose nothing, repeat nothing, and leave the streams that did not change alone', async () => {
    const [steady, moody, changing] = await Promise.all([receiver(), receiver(5), receiver(7)]);
    const messages = recordedMessages('tetragon/scenario-k8s');
    const agent = await startAgent('127.0.0.1:0', {
      onStream: (stream) => {
        for (const message of messages) stream.write(message);
      },
    });
    stops.push(agent.kill);
    let generation = 0;
    let log = '';
    /** What changes: a sink's headers and format, a sink and a source that come and go, routes, exceptions, detection. */
    const text = () => {
      const odd = generation % 2 === 1;
      return `sources:
  file: {type: tetragon_file, path: ${log}, from: start, poll_ms: ${10 + (generation % 2)}}
  agent: {type: tetragon, address: "${agent.address}"}
${odd ? '  visitor: {type: falco_http, listen: "127.0.0.1:0"}\n' : ''}sinks:
  steady: {type: webhook, url: "${steady.url}", retry_initial_secs: 0.02}
  moody: {type: webhook, url: "${moody.url}", retry_initial_secs: 0.02}
  changing: {type: webhook, url: "${changing.url}", headers: {generation: "${generation}"}, retry_initial_secs: 0.02, concurrency: ${1 + (generation % 4)}}
${odd ? `  guest: {type: file, path: ${log}.guest}\n` : ''}route: {sinks: [steady, moody, changing${odd ? ', guest' : ''}], min_severity: ${odd ? 'info' : 'low'}}
exceptions: [{name: e${generation % 3}, match: {tool: nslookup}, reason: test}]
detect: {weights: {listener: ${generation}}}
`;
    };
    const lanner = await startReloading(
      'sources: {t: {type: tetragon, address: "127.0.0.1:1"}}\nsinks: {}\n',
    );
    stops.push(lanner.stop);
    log = join(lanner.folder, 'tetragon.log');
    writeFileSync(log, '');
    lanner.write(text());
    await until(() => lanner.said(taken).length === 1, 'the first');
    await until(() => agent.streams.length === 1, 'the stream');
    let written = 0;
    const of = (ids: string[]) => new Map(ids.map((id) => [id, ids.filter((other) => other === id).length]));
    for (generation = 1; generation <= 15; generation++) {
      for (let i = 0; i < 10; i++) appendFileSync(log, execLine(written++));
      lanner.write(text());
      const report = await lanner.service.reload('SIGHUP');
      expect(['applied', 'unchanged']).toContain(report.outcome);
      for (let i = 0; i < 5; i++) appendFileSync(log, execLine(written++));
    }
    expect(lanner.said(refused)).toEqual([]);
    const counts = () => lanner.service.pipeline.counts().get('file');
    await until(() => counts()?.execs === written, 'all execs');
    await lanner.service.pipeline.idle();
    await until(() => lanner.service.deliverer.status().spool.waiting === 0, 'all deliveries', 30_000);

    expect(agent.streams).toHaveLength(1);
    expect(agent.streams[0]!.cancelled).toBe(false);
    const played = new Set(
      steady.received
        .map(({ body }) => JSON.parse(body.toString()) as Finding)
        .filter(({ exec }) => exec.source === 'agent')
        .map(({ id }) => id),
    );
    const own = (ids: string[]) => ids.filter((id) => !played.has(id));
    for (const sink of [steady, moody, changing]) {
      const seen = of(own(sink.ids()));
      expect(seen.size).toBe(written);
      expect([...seen.values()].filter((times) => times !== 1)).toEqual([]);
    }
    // What the visitor's turns removed was counted, not lost: everything accepted is delivered or a dead letter.
    const sums = await Promise.all(
      ['accepted', 'delivered', 'dead'].map(async (what) => {
        const metric = await lanner.service.metrics.registry
          .getSingleMetric(`lanner_deliveries_${what}_total`)!
          .get();
        return metric.values.reduce((sum, { value }) => sum + value, 0);
      }),
    );
    expect(sums[0]).toBe(sums[1]! + sums[2]!);
  }, 120_000);
});
