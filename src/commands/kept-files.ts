import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { messageOf } from '../lib/errors.ts';
import type { Kept } from '../model/history.ts';
import { lines } from '../sources/framing.ts';
import { fileError, readBytes } from '../sources/recording.ts';
import { type BestOf, bestOf } from './best-of.ts';
import { type Contents, type CorpusCase, contentsOf } from './kept-documents.ts';

/** What a reading passed over, and why. */
export interface PassedOver {
  /** Lines, or parts of them, that could not be used. */
  skipped: number;
  /** The first of them, each with `file:line: why`. */
  places: string[];
  /** The same exec again, in another file or an earlier revision. */
  repeats: number;
}

/** Hears how many bytes of a file were read so far. */
export type OnProgress = (file: string, bytes: number) => void;

/** Findings and missed execs from anywhere: each exec once. */
export interface KeptSource {
  /** Files that are read; at the first reading twice. */
  paths: readonly string[];
  /** From the beginning at each call. Throws LannerError for a file that cannot be read. */
  read(onProgress?: OnProgress): AsyncGenerator<Kept>;
  /** Of the last reading. */
  passedOver(): PassedOver;
}

/** A longer line is no finding. */
const MAX_LINE = 64 * 2 ** 20;
const HEAD = 65_536;
const MAX_PLACES = 20;
/** So that each has a number of its own. */
const MOST_IN_DOCUMENT = 2 ** 20;

/** Whether a file holds findings of Lanner rather than messages of a sensor. */
export async function isKeptFile(path: string): Promise<boolean> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return holdsKept(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    // Whoever reads the file says what is wrong with it.
    return false;
  }
}

/** The same of the first bytes. In a message of a sensor such words stand in a string, their quotes escaped. */
export function holdsKept(head: Buffer): boolean {
  const text = unpacked(head);
  return /^\s*[[{]/.test(text) && /"schema"\s*:\s*"lanner\.(?:finding|miss|notice)\/v1"/.test(text);
}

function unpacked(head: Buffer): string {
  if (head[0] !== 0x1f || head[1] !== 0x8b) return head.toString('utf8');
  // The head of a gzip file ends in the middle: what can be unpacked is enough.
  return gunzipSync(head, { finishFlush: 2 }).toString('utf8');
}

/**
 * Files of findings and missed execs, gzipped or not: exports of the history, bodies that a receiver stored, one
 * a line or one a file. Of an exec that stands there several times the last revision counts, and a finding more
 * than a miss. What is no finding is passed over and told.
 */
export function openKeptFiles(paths: readonly string[]): KeptSource {
  /** By exec: the place of the one that counts, by document and order in it. Made by the first reading. */
  let winners: BestOf | undefined;
  let over: PassedOver = { skipped: 0, places: [], repeats: 0 };

  async function index(onProgress?: OnProgress): Promise<BestOf> {
    const best = bestOf();
    let at = 0;
    for (const path of paths)
      for await (const document of readDocuments(path, (bytes) => onProgress?.(path, bytes))) {
        const quick = quickly(document.text);
        if (quick !== undefined) best.enter(quick.id, quick.rank, at);
        else
          for (const [i, kept] of document.contents().kept.entries())
            best.enter(kept.id, rankOf(kept), at + i);
        at += MOST_IN_DOCUMENT;
      }
    return best;
  }

  function pass(place: string, why: string): void {
    over.skipped += 1;
    if (over.places.length < MAX_PLACES) over.places.push(`${place}: ${why}`);
  }

  return {
    paths,
    async *read(onProgress) {
      winners ??= await index(onProgress);
      over = { skipped: 0, places: [], repeats: 0 };
      let at = 0;
      for (const path of paths)
        for await (const document of readDocuments(path, (bytes) => onProgress?.(path, bytes))) {
          const { kept, wrong } = document.contents();
          for (const why of wrong) pass(document.place, why);
          for (const [i, one] of kept.entries())
            if (winners.placeOf(one.id) === at + i) yield one;
            else over.repeats += 1;
          at += MOST_IN_DOCUMENT;
        }
    },
    passedOver: () => over,
  };
}

/** Cases of a labelled corpus, from lines of a corpus and from labelled findings alike; of one id the last counts. */
export async function readCases(
  paths: readonly string[],
): Promise<{ cases: CorpusCase[]; labelled: Kept[]; unlabelled: number; over: PassedOver }> {
  const cases = new Map<string, CorpusCase>();
  let repeats = 0;
  const places: string[] = [];
  for (const path of paths)
    for await (const document of readDocuments(path)) {
      const contents = document.contents();
      for (const one of contents.cases) {
        if (cases.delete(one.id)) repeats += 1;
        cases.set(one.id, one);
      }
      places.push(...contents.wrong.map((why) => `${document.place}: ${why}`));
    }
  const source = openKeptFiles(paths);
  const labelled: Kept[] = [];
  let unlabelled = 0;
  for await (const kept of source.read()) {
    if (kept.label === undefined) unlabelled += 1;
    else labelled.push(kept);
  }
  const over = {
    skipped: places.length,
    places: places.slice(0, MAX_PLACES),
    repeats: repeats + source.passedOver().repeats,
  };
  return { cases: [...cases.values()], labelled, unlabelled, over };
}

/** Standard input as a file, since findings are read more than once. */
export async function standardInput(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-input-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'stdin');
  await pipeline(process.stdin, createWriteStream(path));
  return path;
}

interface Document {
  text: string;
  /** `file:line`. */
  place: string;
  contents(): Contents;
}

async function* readDocuments(path: string, onProgress?: (bytes: number) => void): AsyncGenerator<Document> {
  let ready: Document[] = [];
  let number = 0;
  /** A document written over several lines: where it began, and its lines so far. */
  let open: { from: number; lines: string[]; depth: number } | undefined;
  const add = (text: string, line: number) => {
    ready.push({ text, place: `${path}:${line}`, contents: () => parsedContents(text) });
  };
  const onLine = (bytes: Buffer) => {
    number += 1;
    const text = bytes.toString('utf8').trim();
    if (text === '') return;
    if (open === undefined && /^(?:[[{]|\[\s*\{)$/.test(text)) open = { from: number, lines: [], depth: 0 };
    if (open === undefined) return add(text, number);
    open.lines.push(text);
    open.depth += depthOf(text);
    if (open.depth > 0) return;
    add(open.lines.join('\n'), open.from);
    open = undefined;
  };
  const onOversized = (length: number) => {
    number += 1;
    ready.push({
      text: '',
      place: `${path}:${number}`,
      contents: () => nothing(`a line of ${length} bytes`),
    });
  };
  const onEmpty = () => {
    number += 1;
  };
  const reader = lines(MAX_LINE, onLine, onOversized, onEmpty);
  try {
    for await (const chunk of readBytes(path, onProgress === undefined ? {} : { onProgress })) {
      reader.push(chunk);
      yield* ready;
      ready = [];
    }
    reader.end();
    const unfinished = open as { from: number; lines: string[] } | undefined;
    if (unfinished !== undefined) add(unfinished.lines.join('\n'), unfinished.from);
    yield* ready;
  } catch (error) {
    throw fileError(path, error);
  }
}

function parsedContents(text: string): Contents {
  try {
    return contentsOf(JSON.parse(text));
  } catch (error) {
    return nothing(`no JSON: ${messageOf(error).slice(0, 120)}`);
  }
}

function nothing(why: string): Contents {
  return { kept: [], cases: [], notices: 0, wrong: [why] };
}

/** By how many brackets a line opens more than it closes; what stands in strings does not count. */
function depthOf(line: string): number {
  let depth = 0;
  for (const [token] of line.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
  }
  return depth;
}

/** The first words of a line that Lanner exported tell id and revision: most lines need not be parsed for them. */
function quickly(text: string): { id: string; rank: number } | undefined {
  const found = /^\{"schema":"lanner\.(finding|miss)\/v1","id":"([^"\\]+)",(?:"revision":(\d+),)?/.exec(
    text.slice(0, 200),
  );
  if (found === null || !text.endsWith('}') || text.includes('"group":{') || text.includes('[shortened]'))
    return undefined;
  const [, kind, id = '', revision] = found;
  return { id, rank: kind === 'miss' ? 0 : Number(revision ?? 1) };
}

function rankOf(kept: Kept): number {
  return kept.schema === 'lanner.miss/v1' ? 0 : kept.revision;
}
