import type { Finding } from './finding.ts';

/** A finding as JSON: `whole` is what JSON.stringify makes of it, `kept` the same without its context. */
export interface FindingText {
  readonly whole: string;
  readonly kept: string;
}

let latest: { finding: Finding; text: FindingText } | undefined;

/**
 * The text of a finding that changes no more. History and delivery ask for it one after the other: it is made once
 * (12 to 20 µs), and the one asked for last is remembered.
 */
export function textOf(finding: Finding): FindingText {
  if (latest?.finding !== finding) latest = { finding, text: new Text(finding) };
  return latest.text;
}

/** A class, since a getter in an object costs a hidden class for each object. */
class Text implements FindingText {
  readonly whole: string;
  readonly #finding: Finding;
  #kept: string | undefined;

  constructor(finding: Finding) {
    this.whole = JSON.stringify(finding);
    this.#finding = finding;
  }

  get kept(): string {
    this.#kept ??= withoutContext(this.#finding, this.whole);
    return this.#kept;
  }
}

/** Context is what a finding is given last: it is cut off the text, which costs less than a copy without it. */
function withoutContext(finding: Finding, whole: string): string {
  const { context } = finding;
  if (context === undefined) return whole;
  const tail = `,"context":${JSON.stringify(context)}}`;
  if (whole.endsWith(tail)) return `${whole.slice(0, -tail.length)}}`;
  const { context: _context, ...rest } = finding;
  return JSON.stringify(rest);
}
