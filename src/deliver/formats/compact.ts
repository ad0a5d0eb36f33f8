import type { Finding } from '../../model/finding.ts';

/** A compact finding as JSON has at most so many bytes, whatever it says. */
const compactBytes = 48_000;
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
  let compact = finding;
  for (const most of [400, 150, 50, 12]) {
    compact = cut(finding, most);
    if (Buffer.byteLength(JSON.stringify(compact)) <= compactBytes) break;
  }
  return compact;
}

function cut(finding: Finding, most: number): Finding {
  const { context: _context, related: _related, ...kept } = finding;
  const { labels: _labels, entrypoint: _entrypoint, command: _command, ...image } = finding.exec.image ?? {};
  const { probes: _probes, mounts: _mounts, ...container } = finding.exec.container ?? { id: '' };
  const {
    annotations: _annotations,
    namespace_labels: _namespaceLabels,
    ...pod
  } = finding.exec.pod ?? { namespace: '', name: '' };
  const short = (text: string) => shorten(text, most, mark);
  const program = <T extends { argv: string[]; arguments?: string }>(each: T): T => ({
    ...each,
    argv: each.argv.slice(0, 16).map(short),
    ...(each.arguments === undefined ? {} : { arguments: short(each.arguments) }),
  });
  return {
    ...kept,
    title: short(finding.title),
    why: finding.why.slice(0, 10).map(short),
    indicators: finding.indicators
      .slice(0, 20)
      .map((hit) => ({ ...hit, evidence: short(hit.evidence), why: short(hit.why) })),
    exec: {
      ...finding.exec,
      ...(finding.exec.image ? { image } : {}),
      ...(finding.exec.container ? { container } : {}),
      ...(finding.exec.pod ? { pod } : {}),
      process: program(finding.exec.process),
      ancestors: finding.exec.ancestors.slice(0, 8).map(program),
    },
  };
}
