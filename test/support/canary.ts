import { join } from 'node:path';
import protobuf from 'protobufjs';
import { canaryBinary } from '../../src/canary/program.ts';
import { protoFolder } from '../../src/sources/tetragon/protocol.ts';

const tetragon = new protobuf.Root();
tetragon.resolvePath = (_from, target) => join(protoFolder, 'tetragon', target.replace(/^.*tetragon\//, ''));
const Events = tetragon
  .loadSync('sensors.proto', { keepCase: true })
  .lookupType('tetragon.GetEventsResponse');
const Falco = protobuf
  .loadSync(join(protoFolder, 'falco/outputs.proto'))
  .lookupType('falco.outputs.response');

export interface Program {
  args: readonly string[];
  binary?: string;
  container?: string;
}

/** An exec as Tetragon's stream brings it. */
export function tetragonExec(program: Program): Buffer {
  const { process_exec, time } = tetragonJson(program);
  const { start_time: _text, pid, ...process } = process_exec.process;
  const seconds = { seconds: Math.floor(Date.parse(time) / 1000), nanos: 0 };
  return Buffer.from(
    Events.encode(
      Events.fromObject({
        time: seconds,
        process_exec: { process: { ...process, pid: { value: pid }, start_time: seconds } },
      }),
    ).finish(),
  );
}

/** The same as a line of its export file. */
export function tetragonJson({ args, binary = canaryBinary, container }: Program) {
  const time = new Date().toISOString();
  return {
    process_exec: {
      process: {
        exec_id: Buffer.from(`n:${Math.random()}`).toString('base64'),
        pid: 4711,
        cwd: '/',
        binary,
        arguments: args.join(' '),
        flags: 'execve clone rootcwd',
        start_time: time,
        ...(container !== undefined && { docker: container }),
      },
    },
    time,
  };
}

/** What the rule Lanner Canary prints, as JSON. */
export function falcoJson({ args, binary = canaryBinary, container = 'host' }: Program): object {
  return {
    rule: 'Lanner Canary',
    priority: 'Informational',
    source: 'syscall',
    time: new Date().toISOString(),
    hostname: 'n',
    output: 'Canary of Lanner',
    output_fields: {
      'evt.type': 'execve',
      'evt.res': 'SUCCESS',
      'container.id': container,
      'proc.name': 'node',
      'proc.pid': 4711,
      'proc.exe': binary,
      'proc.exepath': binary,
      'proc.exeline': [binary, ...args].join(' '),
    },
  };
}

/** The same as a message of its gRPC output. */
export function falcoExec(program: Program): Buffer {
  const json = falcoJson(program) as { output_fields: Record<string, unknown>; rule: string };
  const fields = Object.fromEntries(
    Object.entries(json.output_fields).map(([key, value]) => [key, String(value)]),
  );
  const time = { seconds: Math.floor(Date.now() / 1000), nanos: 0 };
  return Buffer.from(
    Falco.encode(
      Falco.fromObject({ rule: json.rule, source: 'syscall', time, outputFields: fields }),
    ).finish(),
  );
}
