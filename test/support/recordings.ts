import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const folder = join(import.meta.dirname, '../fixtures/recordings');

/** The messages of a recording `sensor/name.bin.gz`, in order. */
export function recordedMessages(name: string): Buffer[] {
  return readFrames(gunzipSync(readFileSync(join(folder, `${name}.bin.gz`))));
}

/** Messages that each stand behind their length. */
export function readFrames(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    messages.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return messages;
}

/** The documents of a recording `sensor/name.jsonl.gz`, in order. */
export function recordedLines(name: string): Buffer[] {
  const text = gunzipSync(readFileSync(join(folder, `${name}.jsonl.gz`))).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line));
}

/** One labelled action of the recorded scenario. */
export interface Action {
  id: string;
  image: string;
  argv: string;
  verdict: string;
  severity: string;
  why: string;
  where: string;
  marker: string;
}

/** The labelled actions of the recorded scenario. */
export function recordedActions(): Action[] {
  const lines = readFileSync(join(folder, 'scenario.tsv'), 'utf8').trimEnd().split('\n').slice(1);
  return lines.map((line) => {
    const [id = '', image = '', argv = '', verdict = '', severity = '', why = '', where = '', marker = ''] =
      line.split('\t');
    return { id, image, argv, verdict, severity, why, where, marker };
  });
}
