import { messageOf } from '../lib/errors.ts';
import { secondsOf } from '../lib/time.ts';
import type { ExecEvent } from '../model/exec-event.ts';
import type { Severity } from '../model/finding.ts';
import type { Detector, ProcessMemory, StateFacts } from '../model/intake.ts';
import { decodeFalcoJson } from '../sources/falco/index.ts';
import { lines } from '../sources/framing.ts';
import { normalizeNeutral } from '../sources/neutral.ts';
import { fileError, readBytes } from '../sources/recording.ts';
import { messageFromJson } from '../sources/tetragon/json.ts';
import { normalizeMessage } from '../sources/tetragon/normalize.ts';
import type { Chains } from '../state/chains.ts';
import type { SeenBefore } from '../state/seen.ts';

/** How an event is written down: Lanner's labelled corpus, Tetragon's export, Falco's HTTP output. */
export type JudgeForm = 'corpus' | 'tetragon' | 'falco';

/** One line of judge's output. */
export interface Judgement {
  /** The corpus id, Tetragon's exec_id, Falco's uuid, else the number of the line. */
  id: string;
  severity: Severity;
  score: number;
  tool?: string;
  category?: string;
  indicators: string[];
  /** Why the line could not be judged; its severity is `none` then. */
  error?: string;
}

export interface JudgeParts {
  detector: Detector;
  /** Absent: each event is judged by itself. */
  state?: { processes: ProcessMemory; seen: SeenBefore; chains: Chains };
}

/** What one text says: an event with its id, or an id and the reason why there is nothing to judge. */
export interface Read {
  id: string;
  event?: ExecEvent;
  error?: string;
}

/** The judgement of one line; `number` is its place in the file, from 1. Never throws. */
export function judgeLine(
  line: string,
  number: number,
  form: JudgeForm | undefined,
  parts: JudgeParts,
): Judgement {
  const { id, event, error } = eventOf(line, number, form, parts.state?.processes);
  if (event === undefined)
    return { id, severity: 'none', score: 0, indicators: [], ...(error !== undefined && { error }) };
  const verdict = parts.detector.judge(event, stateFacts(event, parts.state));
  if (verdict.use !== undefined) parts.state?.chains.downloaded(event, verdict.use, secondsOf(event.time));
  return {
    id,
    severity: verdict.severity,
    score: verdict.score,
    ...(verdict.tool !== undefined && { tool: verdict.tool }),
    ...(verdict.category !== undefined && { category: verdict.category }),
    indicators: verdict.indicators.map((one) => one.id),
  };
}

function stateFacts(event: ExecEvent, state: JudgeParts['state']): StateFacts {
  if (state === undefined) return {};
  const seconds = secondsOf(event.time);
  const chain = state.chains.before(event, seconds);
  return { seen_before: state.seen.count(event, seconds), ...(chain !== undefined && { chain }) };
}

/** The event in one JSON document; `form` is told by the document if it is left out. Never throws. */
export function eventOf(
  line: string,
  number: number,
  form: JudgeForm | undefined,
  processes?: ProcessMemory,
): Read {
  try {
    const json: unknown = JSON.parse(line);
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      return { id: String(number), error: 'a JSON object was expected' };
    return readers[form ?? formOf(json as Json)](json as Json, line, number, processes);
  } catch (error) {
    return { id: String(number), error: messageOf(error) };
  }
}

type Json = Record<string, unknown>;

function formOf(json: Json): JudgeForm | 'lanner' {
  if ('schema' in json || ('process' in json && 'sensor' in json)) return 'lanner';
  if ('output_fields' in json || 'rule' in json) return 'falco';
  return 'event' in json || 'exe' in json || 'argv' in json ? 'corpus' : 'tetragon';
}

const readers: Record<
  JudgeForm | 'lanner',
  (json: Json, line: string, number: number, processes?: ProcessMemory) => Read
> = {
  /** Lanner's own: a finding, or the exec event in it. */
  lanner(json, _line, number) {
    const exec = 'schema' in json ? json.exec : json;
    const id = (exec as Partial<ExecEvent> | undefined)?.id ?? String(number);
    return isExecEvent(exec)
      ? { id, event: exec }
      : { id, error: 'no exec event of Lanner: process.argv and ancestors are missing' };
  },
  corpus(json, _line, number) {
    const id = typeof json.id === 'string' ? json.id : String(number);
    const inner = 'event' in json ? json.event : json;
    const event = isExecEvent(inner) ? inner : normalizeNeutral(inner, 'judge');
    return event === undefined ? { id, error: 'no exec event of the corpus form' } : { id, event };
  },
  tetragon(_json, line, number, processes) {
    const message = messageFromJson(line);
    const id =
      message.process_exec?.process?.exec_id ?? message.process_exit?.process?.exec_id ?? String(number);
    const event = normalizeMessage(message, 'judge', processes);
    return event === undefined ? { id } : { id, event };
  },
  falco(json, line, number) {
    const id = typeof json.uuid === 'string' ? json.uuid : String(number);
    const record = decodeFalcoJson(line, 'judge');
    if (record.kind === 'unreadable') return { id, error: messageOf(record.error) };
    return record.kind === 'exec' ? { id, event: record.event } : { id };
  },
};

/** Lanner's own form, as a labelled finding has it. */
function isExecEvent(json: unknown): json is ExecEvent {
  const event = json as Partial<ExecEvent> | null;
  return Array.isArray(event?.process?.argv) && Array.isArray(event.ancestors);
}

/** A longer line is no event. */
const MAX_LINE = 32 * 1024 * 1024;

/**
 * Judges a file line by line (`-`: standard input, gzip unpacked) and hands each judgement to `write`, whose
 * promise, if it gives one, is awaited: memory stays bounded however long the file. Throws LannerError for a
 * file that cannot be read.
 */
export async function judgeFile(
  path: string,
  form: JudgeForm | undefined,
  parts: JudgeParts,
  write: (judgement: Judgement) => Promise<void> | undefined,
): Promise<{ lines: number; errors: number; nanos: number }> {
  let count = 0;
  let errors = 0;
  let nanos = 0n;
  let full: Promise<void> | undefined;
  const judge = (text: string) => {
    count += 1;
    const began = process.hrtime.bigint();
    const judgement = judgeLine(text, count, form, parts);
    nanos += process.hrtime.bigint() - began;
    if (judgement.error !== undefined) errors += 1;
    full = write(judgement) ?? full;
  };
  const reader = lines(
    MAX_LINE,
    (line) => judge(line.toString('utf8')),
    (length) => judge(`a line of ${length} bytes`),
  );
  try {
    for await (const chunk of readBytes(path)) {
      reader.push(chunk);
      await full;
      full = undefined;
    }
    reader.end();
    await full;
  } catch (error) {
    throw fileError(path, error);
  }
  return { lines: count, errors, nanos: Number(nanos) };
}
