import { Root, type Type } from 'protobufjs';
import type { RecordingShape } from './recording.ts';
import { protoFolder } from './tetragon/protocol.ts';

/** Takes credentials out of a text. */
export type RedactText = (text: string) => string;

/** Fields of a message that hold what a program was given. */
const textKeys =
  /^(arguments|output|message|environment_variables|proc\.(p?args|p?cmdline|p?exeline|acmdline(\[\d+\])?|args\[\d+\]|env(\[.*\])?))$/;

/** A function that rewrites one message of a recording without the credentials in it; what it cannot read it leaves out. */
export function messageRedactor(
  sensor: 'tetragon' | 'falco',
  shape: RecordingShape,
  redact: RedactText,
): (message: Buffer) => Buffer | undefined {
  if (shape === 'lines') return (line) => redactLine(line, redact);
  const type = messageType(sensor);
  return (message) => {
    try {
      const plain = type.toObject(type.decode(message), { longs: String, bytes: String });
      return Buffer.from(type.encode(type.fromObject(walk(plain, redact) as object)).finish());
    } catch {
      return undefined;
    }
  };
}

function redactLine(line: Buffer, redact: RedactText): Buffer | undefined {
  try {
    return Buffer.from(JSON.stringify(walk(JSON.parse(line.toString('utf8')), redact)));
  } catch {
    return undefined;
  }
}

/** Only the fields in our own protos survive: capabilities, namespaces and the like are left out. */
function messageType(sensor: 'tetragon' | 'falco'): Type {
  const file = sensor === 'tetragon' ? 'tetragon/events.proto' : 'falco/outputs.proto';
  const root = new Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? target : `${protoFolder}/${file.split('/')[0]}/${target}`;
  root.loadSync(file.split('/')[1]!, { keepCase: true });
  return root.lookupType(sensor === 'tetragon' ? 'tetragon.GetEventsResponse' : 'falco.outputs.response');
}

function walk(value: unknown, redact: RedactText, key = ''): unknown {
  if (typeof value === 'string') return textKeys.test(key) ? redact(value) : value;
  if (Array.isArray(value)) return value.map((one) => walk(one, redact, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner, redact, name)]));
}
