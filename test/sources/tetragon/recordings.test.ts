import { readFileSync } from 'node:fs';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { earlyTest } from '../../../src/sources/tetragon/early.ts';
import { bytesDecoder, exportLines, lineDecoder } from '../../../src/sources/tetragon/export.ts';
import { messageFromJson } from '../../../src/sources/tetragon/json.ts';
import { decodeMessage } from '../../../src/sources/tetragon/message.ts';
import { normalizeMessage } from '../../../src/sources/tetragon/normalize.ts';
import { protoFolder } from '../../../src/sources/tetragon/protocol.ts';
import { fixture } from '../../support/fixtures.ts';
import { noInterest, testIntake } from '../../support/intake.ts';
import { readFrames, recordedLines, recordedMessages } from '../../support/recordings.ts';

const recording = (name: string) => recordedMessages(`tetragon/${name.replace('.bin.gz', '')}`);
const exportFile = recordedLines('tetragon/scenario-k8s.export');

type Service = Record<string, { responseDeserialize(bytes: Buffer): unknown }>;
type Wrapped = { value?: number };
interface FullMessage {
  process_exec?: {
    process: Record<string, unknown> & {
      pid: Wrapped;
      uid: Wrapped;
      pod?: { container?: { image?: object } };
    };
    ancestors?: object[];
  };
}

describe('recorded Tetragon streams', () => {
  it.each([
    ['scenario.bin.gz', { messages: 535, execs: 272, container_execs: 105, exits: 263, loss: 0 }],
    ['scenario-k8s.bin.gz', { messages: 536, execs: 272, container_execs: 105, exits: 264, loss: 0 }],
    ['storm.bin.gz', { messages: 3000, execs: 3000, container_execs: 2997, exits: 0, loss: 0 }],
  ])('%s is read whole, with nothing unreadable', (name, expected) => {
    const intake = testIntake({ interest: noInterest });
    const take = earlyTest(intake, bytesDecoder('test', intake.processes));
    for (const message of recording(name)) take(message);
    const { messages, execs, container_execs, exits, sensor_loss_reports: loss, unreadable } = intake.counts;
    expect({ messages, execs, container_execs, exits, loss }).toEqual(expected);
    expect(unreadable).toBe(0);
    expect(intake.counts.early_rejected).toBe(container_execs);
  });

  it('throttle.bin.gz tells of losses, and its exits of unknown processes do no harm', () => {
    const intake = testIntake();
    const take = earlyTest(intake, bytesDecoder('test', intake.processes));
    const messages = recording('throttle.bin.gz');
    for (const message of messages) take(message);
    expect(intake.counts.unreadable).toBe(0);
    expect(intake.counts.sensor_loss_reports).toBeGreaterThan(0);
    const throttles = messages.map(decodeMessage).flatMap((one) => one.process_throttle ?? []);
    expect(throttles).toHaveLength(intake.counts.sensor_loss_reports);
    for (const one of throttles) expect(one.cgroup).not.toContain('\0');
  });

  it('gives the same events from the stream and from the export file', () => {
    const bytes = testIntake();
    const lines = testIntake();
    const takeBytes = earlyTest(bytes, bytesDecoder('test', bytes.processes));
    const takeLine = exportLines(lines, lineDecoder('test', lines.processes));
    for (const message of recording('scenario-k8s.bin.gz')) takeBytes(message);
    for (const line of exportFile) takeLine(line);
    expect(lines.counts).toEqual(bytes.counts);
    expect(lines.events).toEqual(bytes.events);
    expect(lines.events).toHaveLength(105);
  });

  it('agrees with a full decoder on every field that is read', () => {
    const root = new protobuf.Root();
    root.resolvePath = (_origin, target) =>
      target.startsWith('google/') ? target : `${protoFolder}/tetragon/${target}`;
    root.loadSync('events.proto', { keepCase: true });
    const type = root.lookupType('tetragon.GetEventsResponse');
    let compared = 0;
    for (const message of recording('scenario-k8s.bin.gz')) {
      const full = type.toObject(type.decode(message), { longs: Number, enums: String }) as FullMessage;
      const ours = decodeMessage(message);
      const theirs = full.process_exec?.process;
      if (theirs === undefined) continue;
      const own = ours.process_exec!.process!;
      compared += 1;
      expect(own).toMatchObject({
        exec_id: theirs.exec_id,
        pid: theirs.pid.value ?? 0,
        uid: theirs.uid.value ?? 0,
        cwd: theirs.cwd,
        binary: theirs.binary,
        flags: theirs.flags,
      });
      expect(own.arguments).toBe(theirs.arguments);
      expect(own.docker).toBe(theirs.docker);
      expect(own.pod?.container?.image).toEqual(theirs.pod?.container?.image);
      expect(ours.process_exec!.ancestors?.length).toBe(full.process_exec?.ancestors?.length);
    }
    expect(compared).toBe(272);
  });

  it('rebuilds the ancestors that a default install does not send', () => {
    const intake = testIntake();
    const take = earlyTest(intake, (bytes) => {
      const message = decodeMessage(bytes);
      delete message.process_exec?.ancestors;
      return normalizeMessage(message, 'test', intake.processes);
    });
    const whole = testIntake();
    const takeWhole = earlyTest(whole, bytesDecoder('test', whole.processes));
    for (const message of recording('scenario.bin.gz')) {
      take(message);
      takeWhole(message);
    }
    const chain = (events: typeof intake.events) =>
      events.map((event) =>
        event.ancestors.filter((one) => one.place === 'container').map((one) => one.exec_id),
      );
    // What ran before the recording began was named in `ancestors` only; all else is found again.
    const told = new Set(
      recording('scenario.bin.gz').flatMap((bytes) => {
        const exec = decodeMessage(bytes).process_exec;
        return [exec?.process?.exec_id, exec?.parent?.exec_id];
      }),
    );
    const knowable = (ids: (string | undefined)[]) => {
      const end = ids.findIndex((id) => !told.has(id));
      return end < 0 ? ids : ids.slice(0, end);
    };
    expect(chain(intake.events)).toEqual(chain(whole.events).map(knowable));
    const fromTable = intake.events.flatMap((event) => event.ancestors).filter((one) => one.from === 'table');
    expect(fromTable.length).toBeGreaterThan(20);
    expect(Math.max(...chain(intake.events).map((one) => one.length))).toBeGreaterThanOrEqual(4);
  });

  it('ends each chain at the first process outside the container', () => {
    const intake = testIntake();
    const take = earlyTest(intake, bytesDecoder('test', intake.processes));
    for (const message of recording('scenario-k8s.bin.gz')) take(message);
    for (const event of intake.events.filter((one) => one.container !== undefined)) {
      const outside = event.ancestors.findIndex((one) => one.place === 'outside');
      expect(outside === -1 || outside === event.ancestors.length - 1).toBe(true);
    }
  });
});

describe('a hostile message', () => {
  it('with ten thousand ancestors is read, and the chain is bounded', () => {
    const [message] = recording('scenario-k8s.bin.gz').filter(
      (one) => decodeMessage(one).process_exec?.ancestors,
    );
    const ancestor = Buffer.concat([Buffer.from([0x1a, 6, 0x2a, 4]), Buffer.from('/a/b')]);
    const hostile = Buffer.concat([...Array.from({ length: 10_000 }, () => ancestor)]);
    const exec = Buffer.concat([Buffer.from([0x0a, 8, 0x0a, 1, 0x78, 0x5a, 3]), Buffer.from('abc'), hostile]);
    const length = Buffer.alloc(4);
    let rest = exec.length;
    let size = 0;
    while (rest > 127) {
      length[size++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    length[size++] = rest;
    const intake = testIntake();
    const take = earlyTest(intake, bytesDecoder('test', intake.processes));
    take(Buffer.concat([Buffer.from([0x0a]), length.subarray(0, size), exec]));
    take(message!);
    expect(intake.counts).toMatchObject({ messages: 2, unreadable: 0 });
    expect(intake.events[0]?.ancestors.length).toBeLessThanOrEqual(32);
  });
});

describe('unary replies of a real agent', () => {
  it.each([
    ['GetVersion.bin', 'GetVersion', { version: 'v1.7.0' }],
    [
      'GetHealth.bin',
      'GetHealth',
      {
        health_status: [
          { event: 'HEALTH_STATUS_TYPE_STATUS', status: 'HEALTH_STATUS_RUNNING', details: 'running' },
        ],
      },
    ],
  ])('%s is understood', (file, method, expected) => {
    const service = (
      loadPackageDefinition(
        loadSync('sensors.proto', {
          includeDirs: [`${protoFolder}/tetragon`],
          keepCase: true,
          enums: String,
        }),
      ) as unknown as { tetragon: { FineGuidanceSensors: { service: Service } } }
    ).tetragon.FineGuidanceSensors.service;
    const [reply] = readFrames(readFileSync(fixture(`recordings/tetragon/${file}`)));
    expect(service[method]!.responseDeserialize(reply!)).toEqual(expected);
  });
});

describe('what a line of an export file may hold', () => {
  it.each([
    ['text', 'not json'],
    ['an array', '[]'],
    ['null', 'null'],
    ['half an object', '{"process_exec":'],
  ])('%s is counted as unreadable', (_what, line) => {
    const intake = testIntake();
    exportLines(intake, lineDecoder('test', intake.processes))(Buffer.from(line));
    expect(intake.counts.dropped).toEqual({ not_json: 1 });
  });

  it('leaves out fields of another type than protojson gives them', () => {
    const message = messageFromJson(
      '{"process_exec":{"process":{"exec_id":"e","binary":7,"arguments":{"a":1},"pid":"x","docker":"abc","flags":["procFS"]},"ancestors":[1,{"binary":"/bin/sh"}]}}',
    );
    expect(message.process_exec).toEqual({
      process: { exec_id: 'e', docker: 'abc' },
      ancestors: [{ binary: '/bin/sh' }],
    });
  });
});
