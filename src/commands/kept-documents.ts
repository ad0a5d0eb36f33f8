import type { Finding } from '../model/finding.ts';
import type { Kept, Label, Miss } from '../model/history.ts';

/** A line of a labelled corpus. */
export type CorpusCase = Record<string, unknown> & { id: string; label: string };

/** What one JSON document holds. */
export interface Contents {
  kept: Kept[];
  cases: CorpusCase[];
  /** Status notices of Lanner: no findings, and no mistake either. */
  notices: number;
  /** Why something in it was passed over. */
  wrong: string[];
}

/**
 * Whatever a receiver may have stored of what Lanner sends, and what Lanner exports: a finding, a missed exec,
 * findings that stand for a group, an array of them, CloudEvents around them, a request with its `body`.
 */
export function contentsOf(json: unknown): Contents {
  const contents: Contents = { kept: [], cases: [], notices: 0, wrong: [] };
  collect(json, contents, 0);
  return contents;
}

type Json = Record<string, unknown>;

function collect(json: unknown, into: Contents, depth: number): void {
  if (depth > 4) into.wrong.push('it is nested too deeply');
  else if (Array.isArray(json)) for (const one of json) collect(one, into, depth + 1);
  else if (typeof json !== 'object' || json === null) into.wrong.push('no object');
  else collectObject(json as Json, into, depth);
}

function collectObject(json: Json, into: Contents, depth: number): void {
  const inner = wrapped(json);
  if (inner !== undefined) collect(inner, into, depth + 1);
  else if (json.schema === 'lanner.notice/v1') into.notices += 1;
  else if (isKept(json)) takeKept(json, into, depth);
  else if (typeof json.id === 'string' && typeof json.label === 'string' && 'event' in json)
    into.cases.push(json as CorpusCase);
  else into.wrong.push('no finding of Lanner');
}

/** What a CloudEvent or a stored request is around. */
function wrapped(json: Json): unknown {
  if (typeof json.specversion === 'string') {
    if (typeof json.data_base64 === 'string')
      return parsed(Buffer.from(json.data_base64, 'base64').toString());
    return json.data ?? null;
  }
  if ('schema' in json || !('body' in json)) return undefined;
  return typeof json.body === 'string' ? parsed(json.body) : json.body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isKept(json: Json): boolean {
  return json.schema === 'lanner.finding/v1' || json.schema === 'lanner.miss/v1';
}

function takeKept(json: Json, into: Contents, depth: number): void {
  const { group, ...kept } = json as unknown as (Finding | Miss) & {
    label?: Label;
    group?: { samples?: unknown };
  };
  const process = kept.exec?.process;
  if (typeof kept.id !== 'string' || !Array.isArray(kept.indicators) || !Array.isArray(process?.argv))
    into.wrong.push('a finding without its exec event');
  else if (!Array.isArray(kept.exec.ancestors)) into.wrong.push('a finding without its ancestors');
  else if (process.argv.some((word) => word.endsWith('…[shortened]')))
    into.wrong.push('a finding that was shortened for its receiver');
  else into.kept.push(kept as Kept);
  if (Array.isArray(group?.samples)) for (const one of group.samples) collect(one, into, depth + 1);
}
