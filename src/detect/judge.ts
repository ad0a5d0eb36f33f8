/** One event in, the tools it runs and their contexts out. */
import type { Sensor } from '../model/exec-event.ts';
import type { Note } from '../model/intake.ts';
import type { AncestorView } from './chain.ts';
import { type Context, type EventFacts, eventFacts, toolContext } from './context.ts';
import type { Evidence, EvidenceProcess, EvidenceProgram } from './evidence.ts';
import { emptyInvocation, type Invocation } from './invocation.ts';
import { normalizePath } from './location.ts';
import { baseName, isOddPath, isSelfExe, shellName } from './names.ts';
import { hostPeer } from './peers.ts';
import { type Resolution, resolveProcess, resolveWords } from './program.ts';
import { shellStringOf } from './reading.ts';
import { type Relation, relate } from './relations.ts';
import { type Score, scoreContext } from './score.ts';
import type { Settings } from './settings.ts';
import { matchUnit, type StringReading, type Unit } from './strings.ts';
import type { Tool } from './tools/index.ts';
import { unsplitWords } from './unsplit.ts';
import { recognise } from './vocabulary.ts';
import { wrapperNamed } from './wrappers.ts';

/** The judged tool with its context. */
export interface Judged {
  context: Context;
  score: Score;
}

/** Finds the tool the event runs and judges it; undefined if it runs none. */
export function judgeEvent(
  event: Evidence,
  settings: Settings,
  state: EventFacts['state'],
  note?: Note,
): Judged | undefined {
  const resolution = settings.read.resolution(event.process, event.sensor);
  for (const step of resolution.steps) note?.({ step: 'program', text: step });
  const facts = eventFacts(event, settings, state);
  if (resolution.shell_string !== undefined)
    return judgeString(facts, resolution.shell_string, resolution, note);
  const found = resolution.tool ? resolution : findTool(facts, resolution, note);
  if (!found?.tool) {
    note?.({ step: 'program', text: 'no network utility' });
    return undefined;
  }
  const context = ownContext(facts, found, found.tool);
  if (!context) {
    note?.({ step: 'arguments', text: `${found.tool.id} opens no connection` });
    return judgeCode(facts, found, note);
  }
  noteContext(context, note);
  const own = { context, score: scoreContext(context, note) };
  return stronger(own, judgeCode(facts, found, note));
}

/** The event's own words and names say that it runs a tool, and how; no other fact is looked at. */
export function namesTool({ process, sensor }: Evidence, { read }: Settings): boolean {
  const resolution = read.resolution(process, sensor);
  const { tool } = resolution;
  if (tool === undefined || resolution.shell_string !== undefined) return false;
  const words = asGiven(process, sensor, tool, resolution.words);
  return !isIdle(tool, read.invocation(tool, { ...resolution, words }, process.cwd));
}

function ownContext(facts: EventFacts, resolution: Resolution, tool: Tool): Context | undefined {
  const words = asGiven(facts.process, facts.event.sensor, tool, resolution.words);
  const invocation = facts.settings.read.invocation(tool, { ...resolution, words }, facts.process.cwd);
  if (isIdle(tool, invocation)) return undefined;
  const relation = parentRelation(facts, resolution, tool);
  return toolContext(facts, { tool, resolution, invocation, relation, own_string: false });
}

/** Falco's words are not those of execve. */
function asGiven(
  process: EvidenceProcess,
  sensor: Sensor,
  tool: Tool,
  words: readonly string[],
): readonly string[] {
  const split = sensor === 'falco' && process.argv_quality !== 'exact';
  return split ? unsplitWords(tool.id, words) : words;
}

/** Code that opens nothing, and ambiguous names without a peer, are no tools. */
function isIdle(tool: Tool, invocation: Invocation): boolean {
  if (tool.category === 'interpreter_net' && tool.id !== 'openssl') {
    const { code } = invocation;
    return !code || !(code.opens_socket || code.downloads || code.serves);
  }
  return (
    tool.ambiguous === true &&
    !invocation.peers.some(
      (peer) => peer.class !== 'unknown' && /[.:]|localhost/.test(peer.host ?? peer.text),
    )
  );
}

/** Command lines that inline code gives to a shell. */
function judgeCode(facts: EventFacts, resolution: Resolution, note: Note | undefined): Judged | undefined {
  const tool = resolution.tool;
  if (tool?.category !== 'interpreter_net' || tool.id === 'openssl') return undefined;
  const { code } = facts.settings.read.invocation(tool, resolution, facts.process.cwd);
  let best: Judged | undefined;
  for (const text of code?.commands.slice(0, 8) ?? []) {
    best = stronger(best, judgeString(facts, text, { ...resolution, shell: 'sh' }, note));
  }
  return best;
}

function stronger(a: Judged | undefined, b: Judged | undefined): Judged | undefined {
  if (!a || !b) return a ?? b;
  return b.score.score > a.score.score && b.score.severity !== 'none' ? b : a;
}

function noteContext(context: Context, note: Note | undefined): void {
  if (!note) return;
  const { invocation, resolution, tool, category } = context;
  note({ step: 'program', text: `${tool.id} (${category}) as ${resolution.invoked_as}` });
  note({ step: 'arguments', text: `${resolution.words.length} words`, data: invocation });
  for (const peer of invocation.peers)
    note({ step: 'peers', text: `${peer.role} ${peer.text}: ${peer.class}`, data: peer });
  for (const file of context.files)
    note({
      step: 'location',
      text: `${file.role} ${file.location.path}: ${file.location.expected ?? (file.location.classes.join(', ') || 'ordinary')}`,
    });
  for (const entry of context.ancestor_locations) {
    if (entry.location.classes.length === 0 && entry.location.expected === undefined) continue;
    note({
      step: 'location',
      text: `${entry.role} of ancestor ${entry.path}: ${entry.location.expected ?? entry.location.classes.join(', ')}`,
    });
  }
}

/** Strings with nothing of this in them say nothing about a child. */
const CONNECTS = /[|<>;&\n`$]|\b(?:while|until|for|exec)\b/;

/** What the string of a shell above says about this process. */
function parentRelation(facts: EventFacts, resolution: Resolution, tool: Tool): Relation | undefined {
  const found = parentUnit(facts, (reading) => matchUnit(reading, tool.id, resolution.words));
  return found && relate(found.reading, found.unit, facts.process.cwd);
}

function parentUnit(
  facts: EventFacts,
  find: (reading: StringReading) => Unit | undefined,
): { reading: StringReading; unit: Unit } | undefined {
  for (const ancestor of facts.chain.slice(0, 4)) {
    const text = stringOf(facts, ancestor);
    if (text !== undefined && CONNECTS.test(text)) {
      const reading = facts.settings.read.string(text, facts.event.sensor);
      const unit = find(reading);
      if (unit) return { reading, unit };
    }
    const passes =
      text !== undefined ||
      ancestor.role === 'shell' ||
      ancestor.names.some((name) => wrapperNamed(name) !== undefined || /^(?:busybox|toybox|exe)/.test(name));
    if (!passes) return undefined;
  }
  return undefined;
}

function stringOf(facts: EventFacts, ancestor: AncestorView): string | undefined {
  if (ancestor.shell_string !== undefined) return ancestor.shell_string;
  if (!ancestor.names.some((name) => wrapperNamed(name) !== undefined)) return undefined;
  return resolveProcess(ancestor.program as EvidenceProcess, facts.settings.taxonomy, facts.event.sensor)
    .shell_string;
}

/** No name tells: a re-executed multi-call program, a launcher in an odd place, or options that only one tool has. */
function findTool(facts: EventFacts, resolution: Resolution, note: Note | undefined): Resolution | undefined {
  const { process, settings, event } = facts;
  if (
    [process.binary, process.exe].some((path) => path !== undefined && isSelfExe(path)) ||
    process.facts?.includes('self_exe')
  ) {
    const found = parentUnit(facts, (reading) =>
      reading.units.find((unit) => unit.resolution.tool !== undefined && sameArguments(unit, process)),
    );
    if (!found) return undefined;
    note?.({
      step: 'program',
      text: `started itself again; the parent's string names ${found.unit.resolution.invoked_as}`,
    });
    return {
      ...found.unit.resolution,
      files: resolution.files,
      words: resolution.words,
      multi_call: 'busybox',
    };
  }
  if (shellName(resolution.invoked_as) !== undefined) return undefined;
  const odd = oddPlace(facts, resolution);
  if (odd.any && resolution.words.length > 1) {
    const inner = resolveWords(resolution.words, settings.taxonomy, event.sensor);
    if (inner.tool && resolution.words[0] !== undefined && !resolution.words[0].startsWith('-')) {
      note?.({ step: 'program', text: `${resolution.invoked_as} runs ${inner.invoked_as}` });
      return {
        ...inner,
        files: [...resolution.files, ...inner.files.filter((file) => file.role !== 'program')],
      };
    }
  }
  const rule = recognise(resolution.words, odd);
  const tool = rule && settings.taxonomy.byId.get(rule.tool);
  if (!tool) return undefined;
  note?.({ step: 'program', text: `its options are those of ${tool.id}` });
  return { ...resolution, tool, by_vocabulary: true };
}

function sameArguments(unit: Unit, process: EvidenceProgram): boolean {
  const written = unit.resolution.words.join(' ');
  const actual = process.arguments?.trim() ?? process.argv.slice(1).join(' ');
  if (written === actual || written === actual.replaceAll('"', '')) return true;
  return (
    matchUnit(
      { text: '', units: [unit], unreadable: [], truncated: false },
      undefined,
      process.argv.slice(1),
    ) !== undefined
  );
}

function oddPlace(facts: EventFacts, resolution: Resolution): { any: boolean; path: boolean } {
  const { process, settings, surroundings } = facts;
  const flags =
    process.file?.memfd || process.file?.unlinked || process.file?.deleted || process.file?.upper_layer;
  const paths = resolution.files.map((file) => normalizePath(file.path, process.cwd));
  const path = paths.some(isOddPath);
  const placed = paths.some((entry) =>
    settings.locate(entry, surroundings).classes.some((name) => name !== 'unusual'),
  );
  return { any: path || placed || flags === true, path };
}

/** Judges the commands of a shell's own string: only what is hard by itself, and the shell's own connections. */
function judgeString(
  facts: EventFacts,
  text: string,
  resolution: Resolution,
  note: Note | undefined,
): Judged | undefined {
  const reading = facts.settings.read.string(text, facts.event.sensor);
  note?.({
    step: 'arguments',
    text: `a string of ${reading.units.length} commands`,
    data: reading.units.map((unit) => unit.command.words.map((word) => word.text).join(' ')),
  });
  const shellFacts = { ...facts, process: asShell(facts.process) };
  let best: Judged | undefined;
  for (const unit of reading.units) {
    const context = unitContext(shellFacts, reading, unit, resolution);
    if (!context) continue;
    noteContext(context, note);
    const score = scoreContext(context, note);
    const counts = score.hard_in_string || context.category === 'shell_net';
    if (!counts)
      note?.({
        step: 'severity',
        text: `${context.tool.id} is left to its own event: nothing in the string is hard`,
      });
    if (!counts || score.severity === 'none') continue;
    if (!best || score.score > best.score.score) best = { context, score };
  }
  return best;
}

/** Facts about the shell's own file say nothing about the commands in its string. */
function asShell(process: EvidenceProcess): EvidenceProcess {
  const { file: _file, ...rest } = process;
  return { ...rest, argv0_known: false };
}

function unitContext(
  facts: EventFacts,
  reading: StringReading,
  unit: Unit,
  shell: Resolution,
): Context | undefined {
  const { taxonomy } = facts.settings;
  const tool = unit.resolution.tool;
  if (unit.sockets.length > 0 && (!tool || tool.category === 'diag'))
    return socketContext(facts, reading, unit, shell);
  if (!tool) return undefined;
  const invocation = facts.settings.read.invocation(tool, unit.resolution, facts.process.cwd);
  if (isIdle(tool, invocation)) return undefined;
  const relation = relate(reading, unit, facts.process.cwd);
  return toolContext(facts, {
    tool: taxonomy.byId.get(tool.id) ?? tool,
    resolution: unit.resolution,
    invocation,
    relation,
    own_string: true,
  });
}

/** `/dev/tcp/HOST/PORT`: the shell itself connects. */
function socketContext(
  facts: EventFacts,
  reading: StringReading,
  unit: Unit,
  shell: Resolution,
): Context | undefined {
  const ztcp = unit.command.words[0]?.text === 'ztcp';
  const name = ztcp ? 'zsh' : (shellName(baseName(shell.shell ?? 'bash')) ?? 'bash');
  const tool = facts.settings.taxonomy.byId.get(
    /^(?:ksh|mksh|zsh)/.test(name) ? `${name.replace(/^mksh|^ksh.*/, 'ksh')}-net` : 'bash-net',
  );
  if (!tool) return undefined;
  const invocation = emptyInvocation(tool.id);
  for (const socket of unit.sockets) {
    const [, , scheme, host, port] = socket.path.split('/');
    invocation.peers.push(hostPeer(host ?? '', port, 'connect', scheme));
  }
  const relation = relate(reading, unit, facts.process.cwd);
  const words = unit.command.words.map((word) => word.text);
  const program = baseName(words[0] ?? '');
  const reads =
    !/^(?:|exec|echo|printf|true|:|timeout|sleep|read)$/.test(program) &&
    unit.sockets.some((socket) => socket.fd === 1);
  if (reads) relation.stdin_commands.push(words.join(' '));
  const resolution: Resolution = { tool, invoked_as: name, words, files: [], steps: [] };
  return toolContext(facts, { tool, resolution, invocation, relation, own_string: true });
}

/** The string of the shell that an event starts, for others that need it. */
export function ownString(event: Evidence): string | undefined {
  return shellStringOf(event.process, event.sensor);
}
