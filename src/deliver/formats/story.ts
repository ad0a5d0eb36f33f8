import type { Delivery, Notice, Parcel } from '../../model/delivery.ts';
import { type Finding, type Severity, severities, type TriageStep } from '../../model/finding.ts';
import { shorten } from './compact.ts';

/**
 * What a person at 3 a.m. reads, before any vendor's markup: what, where, why, ancestors as a tree, image, next
 * steps. The texts hold words of the attacker: each format escapes them in its own way.
 */
export interface Story {
  severity: Severity;
  /** `HIGH · curl in shop/web-7d9f`, or `12 findings · …` for a group. */
  headline: string;
  /** Name and value, in the order of their use. */
  facts: [string, string][];
  why: string[];
  /** Outermost first, each a line, the started program last. */
  tree: string[];
  steps: TriageStep[];
  /** Of a group: one line for each sample. */
  samples: string[];
  link?: string;
  test: boolean;
}

const longestCommand = 600;

/** A message for people tells one finding, one group or one notice. */
export function storyFor(parcel: Exclude<Parcel, { relay: unknown }>, page_url?: string): Story {
  if ('notice' in parcel) return noticeStory(parcel.notice);
  const delivery = 'batch' in parcel ? parcel.batch[0] : parcel;
  if (!delivery) throw new Error('a batch has at least one delivery');
  return storyOf(delivery, page_url);
}

/** `page_url` is where Lanner's own page is reached, without a slash at the end. */
export function storyOf(parcel: Delivery, page_url?: string): Story {
  const { finding, group } = parcel;
  const severity = highest(group?.samples ?? [finding]);
  const many = group && group.count > 1;
  return {
    severity,
    headline: visible(many ? `${group.count} findings · ${finding.title}` : finding.title),
    facts: many ? [...groupFacts(parcel), ...factsOf(finding)] : factsOf(finding),
    why: finding.why.map(visible),
    tree: treeOf(finding),
    steps: finding.triage,
    samples: many
      ? group.samples
          .slice(1)
          .map((sample) => visible(`${sample.severity} ${sample.title} ${clock(sample.time)}`))
      : [],
    ...(page_url === undefined ? {} : { link: `${page_url}/findings/${encodeURIComponent(finding.id)}` }),
    test: finding.test ?? false,
  };
}

/** Lanner's own trouble in the same form. */
export function noticeStory(notice: Notice): Story {
  const ended = notice.state === 'ended';
  return {
    severity: ended ? 'info' : notice.severity,
    headline: ended ? `Over: ${notice.title}` : notice.title,
    facts: [
      ['About', notice.subject],
      ['Since', notice.started],
      ...(notice.ended === undefined ? [] : [['Until', notice.ended] as [string, string]]),
    ],
    why: [notice.detail],
    tree: [],
    steps: [],
    samples: [],
    test: false,
  };
}

/** The mark where a list was cut: nothing, or `… 3 more`. */
export function more(list: readonly unknown[], shown: number): string[] {
  return list.length > shown ? [`… ${list.length - shown} more`] : [];
}

function highest(findings: readonly Finding[]): Severity {
  const ranks = findings.map((finding) => severities.indexOf(finding.severity));
  return severities[Math.max(0, ...ranks)] ?? 'info';
}

function groupFacts({ group }: Delivery): [string, string][] {
  if (!group) return [];
  const counts = [...severities].reverse().flatMap((severity) => {
    const count = group.by_severity[severity];
    return count ? [`${count} ${severity}`] : [];
  });
  const labels = Object.entries(group.labels).map(([name, value]) => `${name} ${value}`);
  const what = group.kind === 'rate' ? 'Held back' : 'Group';
  return [
    [what, `${counts.join(', ')}, ${clock(group.first)} to ${clock(group.last)}`],
    ...(labels.length === 0 ? [] : [['Common', labels.join(', ')] as [string, string]]),
  ];
}

function factsOf(finding: Finding): [string, string][] {
  const { exec } = finding;
  const { pod, container, image, process } = exec;
  const place = [
    pod ? `${pod.namespace}/${pod.name}` : undefined,
    container ? `container ${container.name ?? container.id.slice(0, 12)}` : 'host',
    exec.node === undefined ? undefined : `node ${exec.node}`,
    exec.cluster === undefined ? undefined : `cluster ${exec.cluster}`,
  ];
  const user = [process.user, process.uid === undefined ? undefined : `uid ${process.uid}`]
    .filter(isText)
    .join(', ');
  const facts: [string, string | undefined][] = [
    ['Command', commandLine(process.argv, process.arguments)],
    ['Where', place.filter(isText).join(' · ')],
    ['Image', image?.reference ?? image?.repository ?? image?.digest],
    [
      'Workload',
      pod?.workload === undefined ? undefined : `${pod.workload_kind ?? ''} ${pod.workload}`.trim(),
    ],
    ['User', user === '' ? undefined : user],
    ['Time', exec.time],
    ['ATT&CK', finding.mitre.length === 0 ? undefined : finding.mitre.join(', ')],
  ];
  return facts
    .filter((fact): fact is [string, string] => isText(fact[1]))
    .map(([name, value]) => [name, visible(value)]);
}

function isText(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

/** One line; what would break it or hide in it is shown as what it is. */
export function commandLine(argv: readonly string[], args?: string): string {
  const words = args === undefined ? argv.map(quoted).join(' ') : `${argv[0] ?? ''} ${args}`;
  return shorten(visible(words), longestCommand);
}

function quoted(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Control characters, and those that reorder or hide text, become their code. */
export function visible(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function treeOf({ exec }: Finding): string[] {
  const above = [...exec.ancestors].reverse().map((ancestor) => {
    const place =
      ancestor.place === 'container'
        ? ''
        : ` (${ancestor.place === 'outside' ? 'outside the container' : 'place unknown'})`;
    return `${commandLine(ancestor.argv, ancestor.arguments)}${place}`;
  });
  return [...above, commandLine(exec.process.argv, exec.process.arguments)].map((line, depth) =>
    depth === 0 ? line : `${'  '.repeat(depth - 1)}└─ ${line}`,
  );
}

function clock(time: string): string {
  return `${time.slice(11, 19)} UTC`;
}
