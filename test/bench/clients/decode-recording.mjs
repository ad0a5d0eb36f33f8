// node decode-recording.mjs FILE: reads a recording and decodes each message in it, no more.
import { newSourceCounts } from '../../../dist/model/intake.js';
import { decodeMessage } from '../../../dist/sources/tetragon/message.js';
import { readRecording } from '../../../dist/sources/recording.js';

let events = 0;
const intake = {
  counts: newSourceCounts(),
  unreadable(reason, detail) {
    throw new Error(`${reason}: ${detail}`);
  },
};
const taker = () => (message) => {
  if (decodeMessage(message) !== undefined) events += 1;
};
await readRecording(process.argv[2], { intake, taker });
process.stdout.write(`${events}\n`);
