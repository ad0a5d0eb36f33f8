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
  if (latest?.finding !== finding) latest = { finding, text: makeText(finding) };
  return latest.text;
}

/** Context is what a finding is given last. */
function makeText(finding: Finding): FindingText {
  const { context, ...rest } = finding;
  const kept = JSON.stringify(rest);
  if (context === undefined) return { whole: kept, kept };
  return { whole: `${kept.slice(0, -1)},"context":${JSON.stringify(context)}}`, kept };
}
