import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSourceCounts, type Source } from '../../../src/model/intake.ts';
import { watchAgentMetrics } from '../../../src/sources/tetragon/agent-metrics.ts';
import { tetragonSchema } from '../../../src/sources/tetragon/config.ts';
import { openTetragon, type TetragonDeps } from '../../../src/sources/tetragon/grpc.ts';
import { type Log, silentLog } from '../../../src/telemetry/log.ts';
import { createAuthority } from '../../support/certificates.ts';
import { until } from '../../support/fixtures.ts';
import { type TestIntake, testIntake } from '../../support/intake.ts';
import { serveRaw } from '../../support/raw-grpc.ts';
import { recordedMessages } from '../../support/recordings.ts';
import { type Agent, type AgentOptions, startAgent } from '../../support/tetragon-agent.ts';

const messages = recordedMessages('tetragon/scenario');
let folder: string;
let stop: (() => Promise<void> | void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  stop = [];
});
afterEach(async () => {
  for (const one of stop.reverse()) await one();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  source: Source;
  intake: TestIntake;
  logged: string[];
}

function run(config: object, deps: Partial<TetragonDeps> = {}): Running {
  const logged: string[] = [];
  const line = (level: string) => (message: string, fields?: object) =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') };
  const source = openTetragon('t', tetragonSchema.parse({ type: 'tetragon', transport, ...config }), {
    log,
    backoff: { first_ms: 10, max_ms: 50 },
    ...deps,
  });
  const intake = testIntake();
  const abort = new AbortController();
  const done = source.run(intake, abort.signal);
  stop.push(async () => {
    abort.abort();
    await done;
    expect(source.health().state).toBe('stopped');
  });
  return { source, intake, logged };
}

async function agent(at: string, options: AgentOptions = {}): Promise<Agent> {
  const started = await startAgent(at, options);
  stop.push(() => started.kill());
  return started;
}

function writeAll(stream: { write(message: Buffer): void }, all: Buffer[]): void {
  for (const message of all) stream.write(message);
}
const play: AgentOptions['onStream'] = (stream) => writeAll(stream, messages);
const socket = () => `unix://${folder}/tetragon.sock`;

/** Both carriers are held to the same promises. */
let transport: 'auto' | 'grpc_js' | 'http2' = 'auto';

describe.each(['grpc_js', 'http2'] as const)('over %s', (carrier) => {
  beforeEach(() => {
    transport = carrier;
  });

  describe('the Tetragon source', () => {
    it.each([
      ['a unix socket', () => socket()],
      ['TCP', () => '127.0.0.1:0'],
    ])('reads a stream over %s and asks for exactly what it reads', async (_name, at) => {
      const { address, requests } = await agent(at(), { onStream: play });
      const { source, intake } = run({ address });
      await until(() => intake.counts.messages === messages.length, 'all messages');
      expect(intake.events).toHaveLength(105);
      expect(intake.counts).toMatchObject({ execs: 272, container_execs: 105, unreadable: 0, connects: 1 });
      expect(source.health()).toMatchObject({ state: 'ok', sensor_version: 'v1.7.0' });
      expect(requests[0]?.allow_list).toMatchObject([
        { event_set: ['PROCESS_EXEC'], container_id: ['.'] },
        { event_set: ['PROCESS_THROTTLE', 'RATE_LIMIT_INFO'] },
      ]);
      expect(requests[0]?.field_filters).toMatchObject([{ event_set: ['PROCESS_EXEC'], action: 'EXCLUDE' }]);
      expect(JSON.stringify(requests[0])).not.toContain('aggregation');
    });

    it('lets an operator choose filters, and subscribes to exits when told so', async () => {
      const { address, requests } = await agent(socket());
      run({
        address,
        exits: true,
        allow: [{ event_set: ['PROCESS_EXEC'], namespace: ['shop'], in_init_tree: false }],
        deny: [{ health_check: true }],
      });
      await until(() => requests.length === 1, 'the request');
      expect(requests[0]?.allow_list).toMatchObject([
        { namespace: ['shop'], in_init_tree: { value: false } },
        { event_set: ['PROCESS_EXIT'], container_id: ['.'] },
        { event_set: ['PROCESS_THROTTLE', 'RATE_LIMIT_INFO'] },
      ]);
      expect(requests[0]?.deny_list).toMatchObject([{ health_check: { value: true } }]);
    });

    it('filters again, since an old agent ignores the filters it does not know', async () => {
      const { address } = await agent(socket(), { onStream: play });
      const { intake } = run({ address });
      await until(() => intake.counts.messages === messages.length, 'all messages');
      expect(intake.events.every((event) => event.container !== undefined)).toBe(true);
    });

    it('comes back when the agent is killed mid-stream and started again, and measures the gap', async () => {
      const at = socket();
      const first = await agent(at, {
        onStream: (stream) => writeAll(stream, messages.slice(0, 100)),
      });
      const { source, intake, logged } = run({ address: at });
      await until(() => intake.counts.messages === 100, 'the first hundred');
      first.kill();
      await until(() => source.health().state === 'degraded', 'degraded');
      expect(source.health().reason).toContain('Tetragon at unix://');
      await agent(at, { onStream: (stream) => writeAll(stream, messages.slice(100)) });
      await until(() => intake.counts.messages === messages.length, 'the rest');
      expect(source.health().state).toBe('ok');
      expect(intake.counts).toMatchObject({ connects: 2, disconnects: 1, unreadable: 0 });
      expect(intake.counts.gap_seconds).toBeGreaterThan(0);
      expect(logged.filter((line) => line.startsWith('info connected'))).toHaveLength(2);
    });

    it('comes back when the stream ends with OK', async () => {
      let streams = 0;
      const { address } = await agent(socket(), {
        onStream: (stream) => {
          streams += 1;
          stream.write(messages[0]!);
          if (streams < 3) stream.end();
        },
      });
      const { source, intake } = run({ address });
      await until(() => streams === 3 && intake.counts.messages === 3, 'three streams');
      expect(source.health().state).toBe('ok');
    });

    it('opens a silent stream anew, and stays degraded until a message comes', async () => {
      let streams = 0;
      const { address, streams: open } = await agent(socket(), { onStream: () => void ++streams });
      const { source, intake } = run({ address, silence_secs: 0.1 });
      await until(() => streams >= 2, 'a second stream');
      await until(() => source.health().code === 'stream_silent', 'stream_silent');
      await until(() => {
        if (intake.counts.messages === 0) open.at(-1)?.write(messages[0]!);
        return source.health().state === 'ok' && intake.counts.messages > 0;
      }, 'in order again');
    });

    it('leaves an agent that no longer answers GetHealth', async () => {
      let failing = false;
      const { address, streams } = await agent(socket(), {
        healthStatus: () => (failing ? status.UNAVAILABLE : undefined),
      });
      const { source } = run({ address, silence_secs: 0.1 });
      await until(() => streams.length >= 1, 'a stream');
      failing = true;
      await until(() => source.health().code === 'stream_ended', 'the reason');
    });

    it('counts garbage, and goes on with the next message', async () => {
      const { address } = await agent(socket(), {
        onStream: (stream) => {
          stream.write(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]));
          stream.write(Buffer.from('not protobuf at all'));
          stream.write(Buffer.alloc(0));
          for (const message of messages) stream.write(message.subarray(0, message.length - 7));
          for (const message of messages) stream.write(message);
        },
      });
      const { intake } = run({ address });
      await until(() => intake.counts.messages === messages.length * 2 + 3, 'all messages');
      expect(intake.counts.dropped).toEqual({ undecodable: messages.length + 2 });
      expect(intake.events).toHaveLength(105);
    });

    it('does not take a message above the bound into memory, says so and goes on', async () => {
      let streams = 0;
      const { address } = await agent(socket(), {
        onStream: (stream) => {
          streams += 1;
          stream.write(streams === 1 ? Buffer.alloc(1024 * 1024) : messages[0]!);
        },
      });
      const { intake } = run({ address, max_message_bytes: 64 * 1024 });
      await until(() => streams === 2 && intake.counts.messages === 2, 'the next stream');
      expect(intake.counts.dropped).toEqual({ oversized: 1 });
    });

    it('says what the agent said when it rejects a filter', async () => {
      const { address } = await agent(socket(), {
        onStream: (stream) =>
          stream.emit('error', { code: status.UNKNOWN, details: 'failed to compile regexp: "("' }),
      });
      const { source } = run({ address, allow: [{ binary_regex: ['('] }] });
      await until(() => source.health().code === 'filter_rejected', 'filter_rejected');
      expect(source.health().reason).toContain('failed to compile regexp');
    });

    it('logs a trouble once, not at each attempt', async () => {
      let attempts = 0;
      const random = () => {
        attempts += 1;
        return 0.5;
      };
      const { source, logged } = run({ address: socket() }, { random });
      await until(() => attempts >= 4, 'four attempts');
      expect(source.health().code).toBe('socket_missing');
      expect(logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    });

    it('logs once that streams are taken and ended at once, and says when that is over', async () => {
      let streams = 0;
      let rejecting = true;
      const { address } = await agent(socket(), {
        onStream: (stream) => {
          streams += 1;
          if (rejecting) stream.emit('error', { code: status.UNKNOWN, details: 'no such filter' });
          else stream.write(messages[0]!);
        },
      });
      const { source, logged } = run({ address });
      await until(() => streams >= 4, 'four streams');
      expect(source.health()).toMatchObject({ state: 'degraded', code: 'filter_rejected' });
      expect(logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
      expect(logged.filter((line) => line.startsWith('info connected'))).toHaveLength(2);
      rejecting = false;
      await until(() => source.health().state === 'ok', 'in order again');
      expect(logged.at(-1)).toContain('in order again');
    });
  });

  describe('what may be wrong at the address', () => {
    it('a socket that is missing', async () => {
      const { source } = run({ address: socket() });
      await until(() => source.health().code === 'socket_missing', 'socket_missing');
      expect(source.health().reason).toMatch(/gRPC server is on.*mounted/);
    });

    it('a port where nothing listens', async () => {
      const closed = createTcpServer().listen(0);
      await new Promise((resolve) => closed.once('listening', resolve));
      const { port } = closed.address() as { port: number };
      await new Promise((resolve) => closed.close(resolve));
      const { source } = run({ address: `127.0.0.1:${port}` });
      await until(() => source.health().code === 'connect_refused', 'connect_refused');
    });

    it('an HTTP/1.1 server', async () => {
      const web = createServer((_request, answer) => answer.end('metrics')).listen(0, '127.0.0.1');
      stop.push(() => void web.close());
      await new Promise((resolve) => web.once('listening', resolve));
      const { source } = run({ address: `127.0.0.1:${(web.address() as { port: number }).port}` });
      await until(() => source.health().code === 'wrong_protocol', 'wrong_protocol');
    });

    it("Falco's gRPC service", async () => {
      const falco = await serveRaw({
        unary: { '/falco.version.service/version': (_call, answer) => answer(null, Buffer.alloc(0)) },
      });
      stop.push(falco.kill);
      const { source } = run({ address: falco.address });
      await until(() => source.health().code === 'wrong_service', 'wrong_service');
    });

    it('an agent that never answers', async () => {
      const silent = createTcpServer(() => {}).listen(0, '127.0.0.1');
      stop.push(() => void silent.close());
      await new Promise((resolve) => silent.once('listening', resolve));
      const { source } = run({
        address: `127.0.0.1:${(silent.address() as { port: number }).port}`,
        connect_timeout_secs: 0.2,
      });
      await until(() => source.health().code === 'connect_timeout', 'connect_timeout');
    });

    it('an address that is none is refused before anything is opened', () => {
      expect(() => run({ address: 'http://tetragon' })).toThrow(/sources\.t\.address/);
    });
  });

  describe('TLS', () => {
    const authority = createAuthority();
    const write = (name: string, content: string) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    };
    const serve = (names: string[], clientCertificates: boolean) => {
      const { cert, key } = authority.server(names);
      return ServerCredentials.createSsl(
        Buffer.from(authority.cert),
        [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
        clientCertificates,
      );
    };

    it('with a custom CA, a client certificate and another server name', async () => {
      const { address } = await agent('127.0.0.1:0', {
        credentials: serve(['agent.tetragon-grpc.cilium.io'], true),
        onStream: play,
      });
      const client = authority.client('lanner');
      const { source, intake } = run({
        address,
        tls: {
          ca_file: write('ca.crt', authority.cert),
          cert_file: write('client.crt', client.cert),
          key_file: write('client.key', client.key),
          server_name: 'agent.tetragon-grpc.cilium.io',
        },
      });
      await until(() => intake.counts.messages === messages.length, 'all messages');
      expect(source.health().state).toBe('ok');
    });

    it.each([
      ['the certificate is for another name', ['other.example'], false, 'ca', 'tls_name'],
      ['the CA is another one', ['127.0.0.1'], false, 'other', 'tls_untrusted'],
      ['no client certificate is given', ['127.0.0.1'], true, 'ca', 'tls_client_rejected'],
      ['the client speaks plaintext', ['127.0.0.1'], false, 'none', 'tls_mismatch'],
    ])('%s', async (_what, names, clientCertificates, ca, code) => {
      const { address } = await agent('127.0.0.1:0', { credentials: serve(names, clientCertificates) });
      const files = { ca: authority.cert, other: createAuthority('another').cert };
      const tls = ca === 'none' ? {} : { tls: { ca_file: write('ca.crt', files[ca as 'ca' | 'other']) } };
      const { source } = run({ address, ...tls });
      await until(() => source.health().code === code, `${code}, not ${source.health().code}`);
    });

    it('the agent speaks plaintext', async () => {
      const { address } = await agent('127.0.0.1:0');
      const { source } = run({ address, tls: { ca_file: write('ca.crt', authority.cert) } });
      await until(() => source.health().code === 'tls_mismatch', 'tls_mismatch');
    });

    it('a certificate file that is none is named, and read again once it is mended', async () => {
      const { address } = await agent('127.0.0.1:0', {
        credentials: serve(['127.0.0.1'], false),
        onStream: play,
      });
      const path = write('ca.crt', 'nothing');
      const { source } = run({ address, tls: { ca_file: path } });
      await until(() => source.health().code === 'tls_file', 'tls_file');
      expect(source.health().reason).toContain(path);
      write('ca.crt', authority.cert);
      await until(() => source.health().state === 'ok', 'ok');
    });
  });
});

describe('transport: auto', () => {
  beforeEach(() => {
    transport = 'auto';
  });

  it('reads over node:http2', async () => {
    const { address } = await agent(socket(), { onStream: play });
    const { source, intake, logged } = run({ address });
    await until(() => intake.counts.messages === messages.length, 'all messages');
    expect(source.health()).toMatchObject({ state: 'ok', transport: 'http2' });
    expect(source.health().transport_reason).toBeUndefined();
    expect(logged.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('falls back to grpc-js, with the reason, where node:http2 does not get along with the agent', async () => {
    // Compressed messages that nobody asked for: grpc-js reads them.
    const server = createHttp2();
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      const body = String(headers[':path']).endsWith('GetVersion')
        ? Buffer.from('\n\u0006v1.7.0')
        : messages[0]!;
      const packed = gzipSync(body);
      const head = Buffer.alloc(5);
      head[0] = 1;
      head.writeUInt32BE(packed.length, 1);
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      if (String(headers[':path']).endsWith('GetEvents')) stream.write(Buffer.concat([head, packed]));
      else stream.end(Buffer.concat([head, packed]));
    });
    server.listen(join(folder, 'odd.sock'));
    stop.push(() => void server.close());
    const { source, intake, logged } = run({ address: `unix://${join(folder, 'odd.sock')}` });
    await until(() => intake.counts.messages > 0, 'a message');
    expect(source.health()).toMatchObject({ state: 'ok', transport: 'grpc_js' });
    expect(source.health().transport_reason).toMatch(/compressed message/);
    expect(logged.filter((line) => line.startsWith('warn the stream is read by grpc-js'))).toHaveLength(1);
  });

  it('does not take the trouble of an address for that of the carrier', async () => {
    const web = createServer((_request, answer) => answer.end('metrics')).listen(0, '127.0.0.1');
    stop.push(() => void web.close());
    await new Promise((resolve) => web.once('listening', resolve));
    let attempts = 0;
    const random = () => {
      attempts += 1;
      return 0.5;
    };
    const { port } = web.address() as { port: number };
    const { source, logged } = run({ address: `127.0.0.1:${port}` }, { random });
    await until(() => attempts >= 4, 'four attempts');
    expect(source.health().code).toBe('wrong_protocol');
    expect(source.health().transport).toBeUndefined();
    expect(logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('goes through a proxy with grpc-js, the only one that can', async () => {
    const { address } = await agent('127.0.0.1:0', { onStream: play });
    const { source, intake } = run({ address }, { env: { https_proxy: 'http://proxy.example:3128' } });
    await until(() => intake.counts.messages === messages.length, 'all messages');
    expect(source.health()).toMatchObject({ transport: 'grpc_js' });
    expect(source.health().transport_reason).toContain('https_proxy');
  });
});

describe("the agent's metrics", () => {
  it('tell of losses that the stream never mentions', async () => {
    let overflowed = 5;
    let scrapes = 0;
    const web = createServer((_request, answer) => {
      scrapes += 1;
      answer.end(
        `# HELP x y\ntetragon_notify_overflowed_events_total ${overflowed}\ntetragon_bpf_missed_events_total{error="EAGAIN",msg_op="5"} 2\ntetragon_events_total{type="x"} 99\n`,
      );
    }).listen(0, '127.0.0.1');
    stop.push(() => void web.close());
    await new Promise((resolve) => web.once('listening', resolve));
    const counts = newSourceCounts();
    const warned: string[] = [];
    const url = `http://127.0.0.1:${(web.address() as { port: number }).port}/metrics`;
    const abort = new AbortController();
    const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
    const done = watchAgentMetrics('t', { metrics_url: url, metrics_secs: 0.01 }, counts, log, abort.signal);
    stop.push(async () => {
      abort.abort();
      await done;
    });
    await until(() => scrapes > 1, 'the first scrapes');
    expect(counts.sensor_lost_events).toBe(0);
    overflowed = 12;
    await until(() => counts.sensor_lost_events === 7, 'the loss');
    expect(warned).toEqual(['the agent lost events']);
    overflowed = 3;
    await until(() => counts.sensor_lost_events === 12, 'the losses of a restarted agent');
  });
});
