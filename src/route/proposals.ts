import type { ExecEvent } from '../model/exec-event.ts';
import { compareSeverity, type Finding, type Severity } from '../model/finding.ts';
import type { ExceptionMatch } from './exceptions-match.ts';
import { commandLineOf } from './words-match.ts';

/** Why a finding is in no group that an exception could be proposed for. Closed, shown with its count. */
export type NotProposed =
  | 'hard_indicator'
  | 'too_severe'
  | 'arguments_unknown'
  | 'secret_in_address'
  | 'place_unknown'
  | 'parent_unknown'
  | 'not_expressible'
  | 'too_many_groups';

/** Findings of one structure. */
export interface NoiseGroup {
  /** Everything but the arguments, as an exception matches it. */
  frame: ExceptionMatch;
  /** One pattern for each argument, or the whole command line where the words are not exact. */
  words: { args: Word[] } | { command_line: string };
  tool: string;
  place: string;
  parent: string;
  count: number;
  severity: Severity;
  first: string;
  last: string;
}

/** Patterns of an argument, narrowest first: as it is, with ids and long numbers folded, with any number folded. */
type Word = readonly string[];

export interface Grouping {
  /** Undefined: it is in a group now. */
  add(finding: Finding): NotProposed | undefined;
  /** Whether it would join a group there is. */
  has(finding: Finding): boolean;
  /** Largest first. */
  groups(): NoiseGroup[];
  /** How many groups there are. */
  readonly size: number;
}

export interface GroupingOptions {
  /** Findings above are left alone. */
  max_severity: Severity;
  max_groups?: number;
  /** Groups of an earlier grouping, to go on with. */
  before?: readonly NoiseGroup[];
}

/**
 * Groups findings by structure: tool, program, arguments with their variable parts folded, parent, image
 * repository and workload. A hard indicator, or a fact that is missing, keeps a finding out: what is proposed
 * names every one of these facts.
 */
export function groupNoise({ max_severity, max_groups = 20_000, before = [] }: GroupingOptions): Grouping {
  const groups = new Map<string, NoiseGroup>(before.map((group) => [keyOf(group), group]));

  return {
    add(finding) {
      if (finding.indicators.some(({ hard }) => hard)) return 'hard_indicator';
      if (compareSeverity(finding.severity, max_severity) > 0) return 'too_severe';
      const frame = frameOf(finding);
      if (typeof frame === 'string') return frame;
      const words = wordsOf(finding);
      if (typeof words === 'string') return words;
      const key = keyOf({ frame: frame.match, words });
      const group = groups.get(key);
      if (group !== undefined) {
        join(group, finding, words);
        return undefined;
      }
      if (groups.size >= max_groups) return 'too_many_groups';
      groups.set(key, {
        frame: frame.match,
        words,
        tool: finding.tool ?? '',
        place: frame.place,
        parent: frame.parent,
        count: 1,
        severity: finding.severity,
        first: finding.time,
        last: finding.time,
      });
      return undefined;
    },
    has(finding) {
      const frame = frameOf(finding);
      const words = wordsOf(finding);
      if (typeof frame === 'string' || typeof words === 'string') return false;
      return groups.has(keyOf({ frame: frame.match, words }));
    },
    get size() {
      return groups.size;
    },
    groups: () => [...groups.values()].sort((a, b) => b.count - a.count || (a.first < b.first ? -1 : 1)),
  };
}

/** Two findings are of one structure if these are the same: the widest patterns of their arguments. */
function keyOf({ frame, words }: Pick<NoiseGroup, 'frame' | 'words'>): string {
  return JSON.stringify([frame, 'args' in words ? words.args.map((word) => word.at(-1)) : words]);
}

/**
 * The match of the narrowest exception for a group: its frame, its words, and the severity it had at most, so
 * that what becomes worse is told again.
 */
export function matchOf({ frame, words, severity }: NoiseGroup): ExceptionMatch {
  return {
    ...frame,
    ...('args' in words ? { args: words.args.map(([narrowest]) => narrowest!) } : words),
    severity: `<=${severity}`,
  };
}

/** A name that is the same for the same match; `by` says who proposes. */
export function nameOf(group: NoiseGroup, by = 'tune'): string {
  const slug = `${group.tool}-${group.place.replace(/^.*\//, '')}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${by}-${slug.slice(0, 45).replace(/^-|-$/g, '')}-${hash(JSON.stringify(matchOf(group)))}`;
}

/** The finding as the judgement made it, before any exception looked at it. */
export function asJudged(finding: Finding): Finding {
  const { exceptions: _exceptions, severity_before, ...judged } = finding;
  return severity_before === undefined ? judged : { ...judged, severity: severity_before };
}

function join(group: NoiseGroup, finding: Finding, words: NoiseGroup['words']): void {
  group.count += 1;
  if (compareSeverity(finding.severity, group.severity) > 0) group.severity = finding.severity;
  if (finding.time < group.first) group.first = finding.time;
  if (finding.time > group.last) group.last = finding.time;
  if (!('args' in words) || !('args' in group.words)) return;
  const { args } = words;
  // Of one group the widest is always the same.
  group.words.args = group.words.args.map((word, index) => {
    const same = word.findIndex((pattern) => args[index]!.includes(pattern));
    return same <= 0 ? word : word.slice(same);
  });
}

function frameOf(finding: Finding): { match: ExceptionMatch; place: string; parent: string } | NotProposed {
  const { exec, tool } = finding;
  const { process, image, pod } = exec;
  const program = process.binary ?? process.exe;
  if (tool === undefined || program === undefined) return 'not_expressible';
  const place = image?.repository ?? pod?.workload;
  if (place === undefined) return 'place_unknown';
  const parent = parentOf(exec);
  if (parent === undefined) return 'parent_unknown';
  const literals = {
    tool,
    binary: program,
    repository: image?.repository,
    namespace: pod?.namespace,
    workload: pod?.workload,
  };
  const match: Record<string, ExceptionMatch[string]> = {};
  for (const [key, value] of Object.entries(literals)) {
    if (value === undefined) continue;
    // An exclamation mark would turn the pattern round.
    if (value === '' || value.startsWith('!')) return 'not_expressible';
    match[key] = escaped(value);
  }
  const classes = peerClassesOf(finding);
  if (classes !== undefined) match.peer_class = classes;
  if (parent.path !== undefined) match.ancestors = { 1: escaped(parent.path) };
  if (process.in_init_tree !== undefined) match['exec.process.in_init_tree'] = process.in_init_tree;
  if (process.exec_probe !== undefined) match['exec.process.exec_probe'] = process.exec_probe;
  return { match, place, parent: parent.path ?? 'outside the container' };
}

/** The parent inside the container; no path where it was entered from outside, and that is known. */
function parentOf({ ancestors, process }: ExecEvent): { path?: string } | undefined {
  const [parent] = ancestors;
  if (parent === undefined || parent.place === 'outside')
    return process.in_init_tree === false || process.exec_probe === true ? {} : undefined;
  const path = parent.binary ?? parent.exe;
  return path === undefined || path === '' ? undefined : { path };
}

const MASK = '[redacted]';

/** Where its peers lie; undefined where none is named or one cannot be told. */
function peerClassesOf({ peers }: Finding): string[] | undefined {
  if (peers === undefined || peers.length === 0) return undefined;
  const classes = [...new Set(peers.map((peer) => peer.class))].sort();
  return classes.includes('unknown') ? undefined : classes;
}

function wordsOf(finding: Finding): NoiseGroup['words'] | NotProposed {
  const { process } = finding.exec;
  if (process.argv_quality === 'exact') {
    const args = process.argv.slice(1);
    if (args.some(hidesAddress)) return 'secret_in_address';
    const inside = peerClassesOf(finding)?.every((one) => one === 'internal' || one === 'loopback') === true;
    return { args: args.map((arg) => patternsOf(arg, inside)) };
  }
  const line = commandLineOf(process);
  if (line === undefined) return 'arguments_unknown';
  return line.split(' ').some(hidesAddress) ? 'secret_in_address' : { command_line: escaped(line) };
}

/** What was taken out stands where the peer is named: a star there would let any peer through. */
function hidesAddress(word: string): boolean {
  const at = word.indexOf(MASK);
  if (at < 0) return false;
  const scheme = word.indexOf('://');
  const path = word.indexOf('/', scheme < 0 ? 0 : scheme + 3);
  const inAddress = path < 0 || at < path;
  return scheme >= 0 ? inAddress : inAddress && /[@:]/.test(word.slice(at + MASK.length));
}

/** A UUID, a long number, a long hexadecimal name: what differs from run to run. */
const longOnes = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-f]*[0-9])[0-9a-f]{12,}|[0-9]{6,}/gi;

/** Counters and days too. */
const anyNumber = new RegExp(`${longOnes.source}|[0-9]+`, 'gi');

const ipv4 = /(?<![\d.])((?:\d{1,3}\.){2})(\d{1,3})\.(\d{1,3})(?![\d.])/;

/**
 * Narrowest first. Addresses are folded only where the exception requires that all peers are inside, and never
 * their first half.
 */
function patternsOf(arg: string, inside: boolean): Word {
  const paths = [undefined, longOnes, anyNumber].map((variable) => folded(arg, variable));
  if (!inside || !ipv4.test(arg)) return paths;
  return [
    ...paths,
    ...['$1$2.*', '$1*.$3', '$1*.*'].flatMap((by) => paths.map((one) => one.replace(ipv4, by))),
  ];
}

/** Only behind the first slash of a path: before it a number may be a peer. */
function folded(word: string, variable: RegExp | undefined): string {
  const scheme = word.indexOf('://');
  const path = word.indexOf('/', scheme < 0 ? 0 : scheme + 3);
  if (path < 0 || variable === undefined) return escaped(word);
  let pattern = escaped(word.slice(0, path));
  let at = path;
  for (const match of word.slice(path).matchAll(variable)) {
    const from = path + match.index;
    pattern += `${escaped(word.slice(at, from))}*`;
    at = from + match[0].length;
  }
  return pattern + escaped(word.slice(at));
}

/** A pattern that fits this text only; what was redacted is anything without a slash. */
function escaped(text: string): string {
  return text
    .split(MASK)
    .map((part) => part.replace(/[*?[<>]/g, '[$&]'))
    .join('*');
}

/** FNV-1a, 32 bits: tells names apart, no more. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}
