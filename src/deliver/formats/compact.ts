import type { Finding } from '../../model/finding.ts';

const longestText = 400;
const mark = '…[shortened]';

/** `text` with at most `max` characters, a mark at the end if some are missing. Never splits a code point. */
export function shorten(text: string, max: number, ending = '…'): string {
  if (text.length <= max) return text;
  let end = Math.max(0, max - ending.length);
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last <= 0xdbff) end -= 1;
  return text.slice(0, end) + ending.slice(0, max);
}

/** A finding without what is not needed to understand it, for a receiver that found it too large. */
export function compactFinding(finding: Finding): Finding {
  const { context: _context, related: _related, ...kept } = finding;
  const { labels: _labels, ...image } = finding.exec.image ?? {};
  const argv = (words: string[]) => words.slice(0, 16).map((word) => shorten(word, longestText, mark));
  return {
    ...kept,
    exec: {
      ...finding.exec,
      ...(finding.exec.image ? { image } : {}),
      process: { ...shortProgram(finding.exec.process), argv: argv(finding.exec.process.argv) },
      ancestors: finding.exec.ancestors
        .slice(0, 8)
        .map((ancestor) => ({ ...shortProgram(ancestor), argv: argv(ancestor.argv) })),
    },
  };
}

function shortProgram<T extends { arguments?: string }>(program: T): T {
  if (program.arguments === undefined) return program;
  return { ...program, arguments: shorten(program.arguments, longestText, mark) };
}
