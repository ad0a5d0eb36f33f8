import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { Finding } from '../model/finding.ts';
import type { Intake } from '../model/intake.ts';
import { lines } from '../sources/framing.ts';
import { fileError, readBytes } from '../sources/recording.ts';

/** A longer line is no finding. */
const MAX_LINE = 4 * 2 ** 20;
const HEAD = 4096;

/** Whether a file begins with a finding of Lanner: an export of the history, or what a webhook was sent. */
export async function isFindingsFile(path: string): Promise<boolean> {
  if (path === '-') return false;
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return beginsWithFinding(unpacked(buffer.subarray(0, bytesRead)));
    } finally {
      await file.close();
    }
  } catch {
    // Whoever reads the file says what is wrong with it.
    return false;
  }
}

function beginsWithFinding(head: string): boolean {
  return /^\s*\{\s*"schema"\s*:\s*"lanner\.finding\/v1"/.test(head);
}

function unpacked(head: Buffer): string {
  if (head[0] !== 0x1f || head[1] !== 0x8b) return head.toString('utf8');
  // The head of a gzip file ends in the middle: what can be unpacked is enough.
  return gunzipSync(head, { finishFlush: 2 }).toString('utf8');
}

/**
 * The findings in a file, one a line, gzipped or not; `-` is standard input. A line that is none is counted as
 * unreadable and passed over. Throws LannerError for a file that cannot be read.
 */
export async function* readFindings(
  path: string,
  intake: Pick<Intake, 'unreadable'>,
  onProgress?: (bytes: number) => void,
): AsyncGenerator<Finding> {
  let batch: Finding[] = [];
  const reader = lines(
    MAX_LINE,
    (line) => {
      const finding = findingOf(line.toString('utf8'));
      if (finding === undefined) intake.unreadable('not_json', 'a line is no finding of Lanner', line);
      else batch.push(finding);
    },
    (length) => intake.unreadable('oversized', `a line of ${length} bytes`),
  );
  try {
    for await (const chunk of readBytes(path, onProgress === undefined ? {} : { onProgress })) {
      reader.push(chunk);
      const ready = batch;
      batch = [];
      yield* ready;
    }
    reader.end();
    yield* batch;
  } catch (error) {
    throw fileError(path, error);
  }
}

function findingOf(text: string): Finding | undefined {
  try {
    const json = JSON.parse(text) as Partial<Finding> | null;
    const exec = json?.exec;
    const whole =
      json?.schema === 'lanner.finding/v1' &&
      Array.isArray(json.indicators) &&
      Array.isArray(exec?.process?.argv) &&
      Array.isArray(exec.ancestors);
    return whole ? (json as Finding) : undefined;
  } catch {
    return undefined;
  }
}
