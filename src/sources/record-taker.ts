import type { Intake } from '../model/intake.ts';
import type { Log } from '../telemetry/log.ts';
import { falcoTaker } from './falco/index.ts';
import type { RecordingForm, RecordingShape, TakeRecord } from './recording.ts';
import { earlyTest } from './tetragon/early.ts';
import { bytesDecoder, exportLines, lineDecoder } from './tetragon/export.ts';

/** How one message of a recording is taken: the same code that takes it from the live source. */
export function recordTaker(
  form: RecordingForm,
  shape: RecordingShape,
  options: { source: string; intake: Intake; log: Log },
): TakeRecord {
  const { source, intake } = options;
  if (form === 'falco') return falcoTaker(shape, options);
  return shape === 'frames'
    ? earlyTest(intake, bytesDecoder(source, intake.processes))
    : exportLines(intake, lineDecoder(source, intake.processes));
}
