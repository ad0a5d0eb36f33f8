import type { ArgvQuality } from '../../model/exec-event.ts';

/**
 * Tetragon joins the arguments with single spaces and puts an argument that contains a space in double
 * quotes, without escaping anything inside. So a string without a double quote splits exactly (trailing empty
 * arguments excepted, which the sensor drops); with one, several lists of words look the same and we return
 * the likeliest.
 */
export function splitArguments(
  text: string,
  shellCommand: boolean,
): { words: string[]; quality: ArgvQuality } {
  if (text === '') return { words: [], quality: 'exact' };
  if (!text.includes('"')) return { words: text.split(' '), quality: 'exact' };
  return { words: splitQuoted(text, shellCommand), quality: 'split' };
}

function splitQuoted(text: string, shellCommand: boolean): string[] {
  const words: string[] = [];
  // A first argument with a space makes the sensor start with a space.
  let at = text.startsWith(' "') ? 1 : 0;
  while (at <= text.length) {
    if (text[at] === '"') {
      // What a shell runs is the last quoted argument in practice, and the one most likely to hold quotes.
      const command = shellCommand && /^-[a-zA-Z]*c$/.test(words.at(-1) ?? '');
      const close = command ? lastClose(text, at) : closingQuote(text, at);
      if (close > 0) {
        words.push(text.slice(at + 1, close));
        at = close + 2;
        continue;
      }
    }
    const space = text.indexOf(' ', at);
    words.push(text.slice(at, space < 0 ? text.length : space));
    at = space < 0 ? text.length + 1 : space + 1;
  }
  return words;
}

/** The quote that ends the argument opened at `open`: before a space or the end, around at least one space, with the quotes inside in pairs. */
function closingQuote(text: string, open: number): number {
  let inside = 0;
  let spaced = false;
  for (let i = open + 1; i < text.length; i += 1) {
    const char = text[i];
    if (char === ' ') spaced = true;
    if (char !== '"') continue;
    const ends = i + 1 === text.length || text[i + 1] === ' ';
    if (ends && spaced && inside % 2 === 0) return i;
    inside += 1;
  }
  return -1;
}

function lastClose(text: string, open: number): number {
  const last = text.lastIndexOf('"');
  const ends = last + 1 === text.length || text[last + 1] === ' ';
  return ends && last > open && text.slice(open, last).includes(' ') ? last : closingQuote(text, open);
}
