/** How a command of a shell string stands to its neighbours: pipes, redirections, loops, substitutions. */
import { absolutePath } from './arguments/paths.ts';
import { baseName, interpreterId, shellName } from './names.ts';
import type { StringReading, Unit } from './strings.ts';
import { wiredShell } from './wiring.ts';

/** How a command of the string stands to its neighbours. All paths as written. */
export interface Relation {
  /** An interpreter that runs what the command writes. */
  interpreter?: string;
  /** How a shell hangs on the command's connection. */
  shell_wired?: string;
  /** Files whose content flows in. */
  stdin_files: string[];
  /** Commands whose output flows in, where that is data and no request: `tar czf - /var/lib/mysql`. */
  stdin_commands: string[];
  /** File its standard output goes to. */
  stdout_file?: string;
  /** Files that later commands of the string run. */
  runs: string[];
  /** It is repeated until it works. */
  wait_loop: boolean;
  /** It is repeated over a list. */
  sweep?: string;
  /** Repeated, with names read from somewhere. */
  data_loop?: string;
  /** Command output or a file's content in its words. */
  substitution?: string;
  /** The name it was given in place of its own: `exec -a NAME`. */
  renamed_to?: string;
  decoded: boolean;
}

/** Data only passes through these on its way. */
const FILTERS = new Set([
  'base64',
  'gbase64',
  'base32',
  'gunzip',
  'gzip',
  'zcat',
  'xz',
  'unxz',
  'bzip2',
  'bunzip2',
  'bzcat',
  'zstd',
  'tee',
  'cat',
  'tr',
  'sed',
  'head',
  'tail',
  'xxd',
  'rev',
  'grep',
  'awk',
  'cut',
  'dos2unix',
  'openssl',
  'uudecode',
  'pv',
  'sort',
  'fold',
  'od',
  'hexdump',
  'sponge',
  'buffer',
  'iconv',
  'envsubst',
  'funzip',
  'lz4',
  'tac',
  'strings',
]);
/** Unpackers that keep the content. */
const SHELL_FEEDS = new Set(['xargs', 'parallel', 'source', '.', 'eval', 'at', 'batch']);

function nameOf(unit: Unit): string {
  const name = baseName(unit.command.words[0]?.text ?? '');
  return unit.resolution.invoked_as !== '' && !unit.resolution.tool ? unit.resolution.invoked_as : name;
}

/** How the unit stands to its neighbours. */
export function relate(reading: StringReading, unit: Unit, cwd: string | undefined): Relation {
  const relation: Relation = {
    stdin_files: [],
    stdin_commands: [],
    runs: [],
    wait_loop: false,
    decoded: unit.decoded,
  };
  const units = reading.units.filter((other) => other.script === unit.script);
  const byIndex = new Map(units.map((other) => [other.command.index, other]));
  followOutput(relation, unit, byIndex);
  followInput(relation, unit, byIndex, 4);
  followSubstitution(relation, unit, byIndex);
  readOutputFile(relation, unit, byIndex);
  const renamed = givenName(unit);
  if (renamed !== undefined) relation.renamed_to = renamed;
  relation.wait_loop = isWaitLoop(unit);
  readLoops(relation, unit);
  readSubstitution(relation, unit, units);
  const wired = wiredShell(reading, unit, byIndex);
  if (wired !== undefined) relation.shell_wired = wired;
  relation.runs = filesRun(units, cwd);
  return relation;
}

/** `exec -a NAME program`, with bash's other options before or behind. */
function givenName(unit: Unit): string | undefined {
  const words = unit.command.words.map((word) => word.text);
  if (words[0] !== 'exec') return undefined;
  for (let i = 1; i < words.length && words[i]!.startsWith('-'); i++) {
    const glued = /^-[cl]*a(.*)$/.exec(words[i]!);
    if (glued) return glued[1] === '' ? words[i + 1] : glued[1];
  }
  return undefined;
}

/** An interpreter that takes its program from standard input: `bash`, `sh -s x`, `python3 -`; not `python -m json.tool`. */
function runsStdin(unit: Unit): string | undefined {
  let words = unit.command.words.map((word) => word.text);
  let guard = 0;
  while (
    guard++ < 6 &&
    /^(?:sudo|doas|nohup|setsid|exec|env|busybox|command|time|timeout|nice|stdbuf|su-exec|gosu|bash)$/.test(
      baseName(words[0] ?? ''),
    )
  ) {
    if (shellName(baseName(words[0]!)) !== undefined) break;
    words = words.slice(1);
    while (
      words[0] !== undefined &&
      (/^-/.test(words[0]) || /^[A-Za-z_]\w*=/.test(words[0]) || /^\d+[smh]?$/.test(words[0]))
    )
      words = words.slice(1);
  }
  const name = baseName(words[0] ?? '');
  const rest = words.slice(1);
  if (shellName(name) !== undefined) {
    for (const word of rest) {
      if (word === '-' || word === '-s' || word === '--' || /^-[a-z]*s[a-z]*$/.test(word)) return name;
      if (/^-[a-z]*c[a-z]*$/.test(word)) return undefined;
      if (/^[-+]/.test(word)) continue;
      return word === '/dev/stdin' ? name : undefined;
    }
    return name;
  }
  const language = interpreterId(name);
  if (language === undefined || language === 'gawk' || language === 'go') return undefined;
  const operand = rest.find((word) => word === '-' || !word.startsWith('-'));
  if (rest.some((word) => /^-(?:[A-Za-z]*[cemrpnEa]|-eval|-print)/.test(word))) return undefined;
  return operand === undefined || operand === '-' || operand === '/dev/stdin' ? name : undefined;
}

function followOutput(relation: Relation, unit: Unit, byIndex: ReadonlyMap<number, Unit>): void {
  const seen = new Set<number>();
  const queue = [...unit.command.stdout_to];
  while (queue.length > 0 && seen.size < 64) {
    const index = queue.shift()!;
    if (seen.has(index)) continue;
    seen.add(index);
    const next = byIndex.get(index);
    if (!next) continue;
    const name = baseName(next.command.words[0]?.text ?? '');
    const interpreter = runsStdin(next);
    if (interpreter !== undefined) relation.interpreter ??= interpreter;
    else if (feedsShell(next)) relation.interpreter ??= 'sh';
    if (name === 'tee') {
      const file = next.command.words
        .slice(1)
        .map((word) => word.text)
        .find((word) => !word.startsWith('-'));
      if (file !== undefined) relation.stdout_file ??= file;
    }
    if (FILTERS.has(name) || FILTERS.has(nameOf(next)) || interpreter !== undefined)
      queue.push(...next.command.stdout_to);
    if (FILTERS.has(name)) substitutionRunner(relation, next, byIndex);
  }
}

/** `xargs sh -c`, `xargs -I{} bash -c {}`, `parallel bash -c`. */
function feedsShell(unit: Unit): boolean {
  const words = unit.command.words.map((word) => baseName(word.text));
  if (!SHELL_FEEDS.has(words[0] ?? '')) return false;
  const shell = words.findIndex((word, i) => i > 0 && shellName(word) !== undefined);
  if (shell < 0) return words[0] === 'at' || words[0] === 'batch';
  return words.slice(shell + 1).every((word) => /^-/.test(word) || word.includes('{}'));
}

/** `bash <(curl …)`, `sh -c "$(curl …)"`, `eval "$(curl …)"`, `. <(curl …)`, `$(curl …)`. */
function followSubstitution(relation: Relation, unit: Unit, byIndex: ReadonlyMap<number, Unit>): void {
  substitutionRunner(relation, unit, byIndex);
}

function substitutionRunner(relation: Relation, unit: Unit, byIndex: ReadonlyMap<number, Unit>): void {
  const inside = unit.command.inside;
  if (!inside || inside.place === 'redirection' || inside.place === 'loop') {
    if (inside?.place !== 'redirection') return;
    const holder = byIndex.get(inside.command);
    const runner = holder && runsStdin(holder);
    if (runner !== undefined) relation.interpreter ??= runner;
    return;
  }
  const holder = byIndex.get(inside.command);
  if (!holder || inside.place !== 'word') return;
  const words = holder.command.words.map((word) => word.text);
  const name = baseName(words[0] ?? '');
  if (name === 'eval' || name === 'source' || name === '.') relation.interpreter ??= name;
  else if (inside.index === 0 && inside.kind === 'command') relation.interpreter ??= 'sh';
  else {
    const at = words.findIndex(
      (word) => shellName(baseName(word)) !== undefined || interpreterId(baseName(word)) !== undefined,
    );
    if (at < 0 || at >= inside.index) return;
    const before = words[inside.index - 1] ?? '';
    const option = /^-[A-Za-z]*[cerE]$/.test(before);
    const scriptFile =
      inside.kind === 'process_in' && words.slice(at + 1, inside.index).every((word) => word.startsWith('-'));
    if (option || scriptFile) relation.interpreter ??= baseName(words[at]!);
  }
}

/** Programs that only write what stands in their words: a request, no data. */
const SPEAKERS = new Set(['echo', 'printf', 'yes', 'sleep', 'true', ':', 'seq', 'print']);

function followInput(relation: Relation, unit: Unit, byIndex: ReadonlyMap<number, Unit>, hops: number): void {
  for (const redirection of unit.command.redirections) {
    if (redirection.fd !== 0 || redirection.operator !== '<') continue;
    const text = redirection.target.text;
    if (text !== '/dev/null' && text !== '/dev/stdin' && text !== '/dev/zero')
      relation.stdin_files.push(text);
  }
  for (const index of unit.command.stdin_from) {
    const source = byIndex.get(index);
    if (!source || source === unit) continue;
    const words = source.command.words.map((word) => word.text);
    const name = baseName(words[0] ?? '');
    if (SPEAKERS.has(name)) {
      const output = source.command.words.find((word) => /\$\(|`/.test(word.text));
      if (output) relation.stdin_commands.push(words.join(' '));
      continue;
    }
    if (hops > 0) followInput(relation, source, byIndex, hops - 1);
    const filter =
      FILTERS.has(name) &&
      source.command.stdin_from.length > 0 &&
      words.slice(1).every((word) => word.startsWith('-') || !word.includes('/'));
    if (!filter && name !== '' && runsStdin(source) === undefined)
      relation.stdin_commands.push(words.join(' '));
  }
}

function readOutputFile(relation: Relation, unit: Unit, byIndex: ReadonlyMap<number, Unit>): void {
  let current: Unit | undefined = unit;
  for (let hops = 0; current && hops < 4; hops++) {
    for (const redirection of current.command.redirections) {
      const writes =
        redirection.operator === '>' ||
        redirection.operator === '>>' ||
        redirection.operator === '>|' ||
        redirection.operator === '&>';
      const text = redirection.target.text;
      if (!writes || (redirection.fd !== 1 && redirection.operator !== '&>')) continue;
      if (!/^\/dev\/(?:null|stdout|stderr|tty|tcp\/.*|udp\/.*)$|^&/.test(text)) relation.stdout_file ??= text;
    }
    const next: number | undefined = current.command.stdout_to[0];
    const following: Unit | undefined = next === undefined ? undefined : byIndex.get(next);
    current =
      following && FILTERS.has(baseName(following.command.words[0]?.text ?? '')) ? following : undefined;
  }
}

function isWaitLoop(unit: Unit): boolean {
  const { command, script } = unit;
  const loop = command.loops.at(-1);
  if (loop === undefined) return false;
  const kind = script.loops[loop]?.kind;
  if (kind !== 'for' && command.loop_condition) return true;
  const sleeps = script.commands.some(
    (other) => other.loops.includes(loop) && /^(?:sleep|usleep)$/.test(other.words[0]?.text ?? ''),
  );
  const ends = script.commands.some(
    (other) => other.loops.includes(loop) && /^(?:break|exit|return)$/.test(other.words[0]?.text ?? ''),
  );
  return sleeps && (ends || kind !== 'for');
}

function readLoops(relation: Relation, unit: Unit): void {
  const texts = [
    ...unit.command.words.map((word) => word.text),
    ...unit.sockets.map((socket) => socket.path),
  ];
  for (const index of unit.command.loops) {
    const loop = unit.script.loops[index];
    if (!loop) continue;
    if (loop.kind === 'for' && loop.variable !== undefined) {
      const uses = texts.some((text) => usesVariable(text, loop.variable!));
      if (!uses || relation.wait_loop) continue;
      const over = loop.words
        .map((word) => word.text)
        .join(' ')
        .slice(0, 120);
      relation.sweep ??= `for ${loop.variable} in ${over}`;
      if (loop.words.some((word) => /\$\(|`/.test(word.text) && SECRET_OUTPUT.test(word.text)))
        relation.substitution ??= over;
      if (loop.words.some((word) => /\$\(|`/.test(word.text) && !/seq |\{/.test(word.text)))
        relation.data_loop ??= relation.sweep;
      continue;
    }
    const reader = unit.script.commands.find(
      (other) => other.loops.includes(index) && other.words[0]?.text === 'read',
    );
    const variable = reader?.words
      .slice(1)
      .map((word) => word.text)
      .find((word) => !word.startsWith('-'));
    if (variable !== undefined && texts.some((text) => usesVariable(text, variable)))
      relation.data_loop ??= `while read ${variable}`;
  }
}

function usesVariable(text: string, name: string): boolean {
  return text.includes(`$${name}`) || text.includes(`\${${name}`);
}

/** What a substitution may hold without giving anything away. */
const HARMLESS_OUTPUT =
  /^(?:date|seq|nproc|uname|arch|dpkg|getconf|mktemp|basename|dirname|realpath|pwd|curl|wget|jq|expr|echo|printf|nslookup|dig|getent|host|hostname -[iI]|git|cut|sed|awk|grep|tr|sort|head|tail|rpm|lsb_release|python3?|node|npm|go|cargo|kubectl|aws|gcloud|az|openssl|shuf|uuidgen|cat \/etc\/(?:os-release|alpine-release|debian_version|timezone|resolv\.conf|hosts)|cat (?:\.\/)?(?:VERSION|version))\b/;
/** What only gives data away. */
const SECRET_OUTPUT = /\b(?:xxd|od|hexdump|base64|base32|env|printenv|passwd|shadow|gzip|tar|whoami)\b/;
/** What nobody sends by accident. */
const TELLING_OUTPUT =
  /\b(?:env|printenv|set|id|whoami|base64|xxd|od|hexdump|gzip|bzip2|tar|ps|ifconfig|netstat|history|find|ls|mysqldump|pg_dump|cat|hostname|uname|ip)\b/;

function readSubstitution(relation: Relation, unit: Unit, units: readonly Unit[]): void {
  const inner = units.filter(
    (other) =>
      other.command.inside?.command === unit.command.index &&
      other.command.inside.kind === 'command' &&
      other.command.inside.place === 'word',
  );
  for (const other of inner) {
    const text = other.command.words.map((word) => word.text).join(' ');
    if (text === '' || HARMLESS_OUTPUT.test(text)) continue;
    if (TELLING_OUTPUT.test(text)) {
      relation.substitution = text;
      return;
    }
  }
  // `$(cat f | base64)` in variables: `X=$(env|base64); curl h/$X`.
  for (const word of unit.command.words) {
    const name = /\$\{?([A-Za-z_]\w*)/.exec(word.text)?.[1];
    if (name === undefined) continue;
    const holder = units.find((other) =>
      other.command.assignments.some(
        (assignment) => assignment.name === name && /\$\(|`/.test(assignment.value.text),
      ),
    );
    const value = holder?.command.assignments.find((assignment) => assignment.name === name)?.value.text;
    if (
      value !== undefined &&
      /\b(?:env|printenv|base64|xxd|shadow|passwd|whoami|\bid\b|tar|gzip)\b/.test(value)
    ) {
      relation.substitution = value;
      return;
    }
  }
}

/** Files that commands of the string make executable or run. */
function filesRun(units: readonly Unit[], cwd: string | undefined): string[] {
  const files: string[] = [];
  for (const unit of units) {
    const words = unit.command.words.map((word) => word.text);
    const name = baseName(words[0] ?? '');
    const add = (path: string | undefined) => {
      if (path !== undefined && path !== '') files.push(absolutePath(path, cwd));
    };
    if (words[0]?.includes('/')) add(words[0]);
    for (const file of unit.resolution.files) if (file.role !== 'program') add(file.path);
    if (name === 'chmod' && words.slice(1).some((word) => /^[0-7]*[1357][0-7]*$|[+=][rwst]*x/.test(word))) {
      for (const word of words.slice(2)) add(word);
    }
    if (name === '.' || name === 'source') add(words[1]);
    if (name === 'ld.so' || name.startsWith('ld-')) add(words[1]);
    if (name === 'rpm' || name === 'dpkg' || name === 'insmod') add(words.at(-1));
  }
  return files;
}
