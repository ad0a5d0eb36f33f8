/** Brace words: `{curl,-s,URL}` is three words. Unquoted braces and commas come as private marks. */
import { SHELL_LIMITS } from './types.ts';

export const BRACE_OPEN = '\uE000';
export const BRACE_COMMA = '\uE001';
export const BRACE_CLOSE = '\uE002';

/** Marks that did not make a brace word become the characters they stand for. */
function unmark(text: string): string {
  return text.replaceAll(BRACE_OPEN, '{').replaceAll(BRACE_COMMA, ',').replaceAll(BRACE_CLOSE, '}');
}

interface Brace {
  start: number;
  end: number;
  choices: string[];
}

/** The first brace pair with a comma at its own level, found in one pass with a stack. */
function firstBrace(text: string): Brace | undefined {
  const open: { start: number; commas: number[] }[] = [];
  let best: { start: number; end: number; commas: number[] } | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === BRACE_OPEN) open.push({ start: index, commas: [] });
    else if (character === BRACE_COMMA) open.at(-1)?.commas.push(index);
    else if (character === BRACE_CLOSE) {
      const pair = open.pop();
      if (pair && pair.commas.length > 0 && (!best || pair.start < best.start))
        best = { ...pair, end: index };
      if (best && open.length === 0) break;
    }
  }
  if (!best) return undefined;
  const cuts = [best.start, ...best.commas.slice(0, SHELL_LIMITS.words), best.end];
  const choices = cuts.slice(1).map((cut, index) => text.slice(cuts[index]! + 1, cut));
  return { start: best.start, end: best.end, choices };
}

/** All words a marked text stands for, at most as many as the bound allows. */
export function expandBraces(text: string): string[] {
  if (!text.includes(BRACE_OPEN) || text.length > SHELL_LIMITS.brace_chars) return [unmark(text)];
  const done: string[] = [];
  const queue = [text];
  for (let turn = 0; queue.length > 0; turn += 1) {
    const next = queue.shift()!;
    const brace = turn < SHELL_LIMITS.braces ? firstBrace(next) : undefined;
    if (!brace) {
      done.push(unmark(next));
      continue;
    }
    const head = next.slice(0, brace.start);
    const tail = next.slice(brace.end + 1);
    const grown = head.length + tail.length;
    const room = Math.max(2, Math.floor(SHELL_LIMITS.grown_chars / Math.max(1, grown)));
    queue.unshift(...brace.choices.slice(0, room).map((choice) => head + choice + tail));
  }
  return done;
}
