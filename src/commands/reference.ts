/** The reference page of the detection, deploy/reference/detection.md: rendered from the data that judges. */
import { type DetectConfig, defaultDetectConfig } from '../detect/config.ts';
import { exampleEvent } from '../detect/examples.ts';
import { createDetector } from '../detect/index.ts';
import { indicators } from '../detect/indicators/index.ts';
import type { Example, Indicator, Mitigation } from '../detect/indicators/types.ts';
import {
  type ExpectedPlace,
  expectedPlaces,
  mountRoots,
  ordinaryHidden,
  programRoots,
  uploadRoots,
  volumeRoots,
  webRoots,
  worldWritable,
} from '../detect/lists/locations.ts';
import { type LocationClass, locationWords } from '../detect/location.ts';
import { mitigations } from '../detect/mitigations/index.ts';
import { type Category, categories, categoryEntries, type Tool, tools } from '../detect/tools/index.ts';
import type { Verdict } from '../model/finding.ts';

/** The whole page, Markdown, always the same for the same code. */
export function detectionReference(): string {
  const judge = createDetector(defaultDetectConfig()).judge;
  const verdictOf = (example: Example) => judge(exampleEvent(example));
  const sections = [
    head(),
    thresholds(defaultDetectConfig().thresholds),
    ...categories.map(category),
    `## Indicators\n\nEach says one suspicious thing. A **hard** one is never lowered by context. The severity behind an example is the verdict on the whole exec: base points of the tool and everything else that fired count too. Where nothing is said, the example runs in an ordinary application image, below a bare \`sh\`.`,
    ...indicators.map((entry) => indicator(entry, verdictOf)),
    '## Mitigations\n\nThey lower the score where nothing hard fired; of one group only the strongest counts. A public address as peer leaves only the purpose of the image; encoded names and disguised peers leave none.',
    ...mitigations.map((entry) => mitigation(entry, verdictOf)),
    places(),
  ];
  return `${sections.join('\n\n')}\n`;
}

function head(): string {
  const names = new Set(tools.flatMap((tool) => [...tool.names, ...(tool.applets ?? [])]));
  const links = categories.map(
    (id) => `[${id}](#${anchor(categoryTitle(id))}) ${tools.filter((tool) => tool.category === id).length}`,
  );
  return [
    '# What Lanner detects',
    'Written by `npm run generate` from the code that judges. `lanner explain --command "…"` shows every step of one judgement; `detect.tools`, `detect.weights`, `detect.thresholds`, `detect.locations` and `detect.images` in the configuration change what stands here.',
    `${tools.length} tools under ${names.size} names in ${categories.length} categories (${links.join(' · ')}), ${indicators.length} [indicators](#indicators), ${mitigations.length} [mitigations](#mitigations), [location classes](#location-classes).`,
    'A name is matched whole and in its case. It is also an applet of busybox, toybox and sbase-box, unless another applet form is given. Symlinks, loaders, wrappers (`env`, `timeout`, `xargs`, …), renamed copies and shell strings are seen through before a name is looked up.',
  ].join('\n\n');
}

function thresholds(config: DetectConfig['thresholds']): string {
  const rows = Object.entries(config).map(([severity, least]) => row([severity, String(least)]));
  return [
    '## From score to severity',
    'The score is the base of the tool, plus the indicators that fired, minus the mitigations that apply. Below the first line there is no finding. If every peer is loopback nothing is reported, unless something hard fired, which then is at most `medium` (container runtime sockets and host namespaces excepted). Help, version and calls without anything to work on are never reported.',
    table(['severity', 'least score'], rows),
  ].join('\n\n');
}

function categoryTitle(id: Category): string {
  const { title } = categoryEntries[id];
  return `Tools: ${id}, ${title}`;
}

function category(id: Category): string {
  const entry = categoryEntries[id];
  const own = tools.filter((tool) => tool.category === id);
  const steps = own.filter((tool) => tool.next !== undefined);
  return [
    `## ${categoryTitle(id)}`,
    `Base ${entry.points} points · ${entry.mitre.map(technique).join(', ')}`,
    `What a responder does next:\n\n${entry.next.map((step, at) => `${at + 1}. ${step}`).join('\n')}`,
    ...steps.map(
      (tool) => `Before that, for \`${tool.id}\`:\n\n${tool.next?.map((step) => `- ${step}`).join('\n')}`,
    ),
    table(
      ['tool', 'names', 'other forms', 'packages', 'points', 'ATT&CK'],
      own.map((tool) => toolRow(tool, entry.points)),
    ),
  ].join('\n\n');
}

function toolRow(tool: Tool, points: number): string {
  const cells = [
    code(tool.id),
    codes(tool.names),
    otherForms(tool),
    (tool.packages ?? []).join(', '),
    String(tool.points ?? points),
    (tool.mitre ?? []).map(technique).join(', '),
  ];
  return row(cells);
}

function otherForms(tool: Tool): string {
  const forms = [
    ...(tool.applets === undefined ? [] : [`applet ${codes(tool.applets)}`]),
    ...(tool.modules === undefined ? [] : [`module ${codes(tool.modules)}`]),
    ...(tool.first_operand === undefined ? [] : [`only with ${codes(tool.first_operand)}`]),
    ...(tool.ambiguous ? ['only with a peer in the arguments'] : []),
    ...(tool.names.length === 0 && tool.applets === undefined && tool.modules === undefined
      ? ['by its code']
      : []),
  ];
  return forms.join('; ');
}

type VerdictOf = (example: Example) => Verdict;

function indicator(entry: Indicator, verdictOf: VerdictOf): string {
  const marks = [
    `${signed(entry.points)}${entry.hard ? ', **hard**' : ''}`,
    ...(entry.in_strings ? ["also in a shell's own string"] : []),
    ...(entry.mitre.length > 0 ? [entry.mitre.map(technique).join(', ')] : []),
  ];
  return described(entry, marks, verdictOf);
}

function mitigation(entry: Mitigation, verdictOf: VerdictOf): string {
  return described(entry, [signed(entry.points), `group ${entry.group}`], verdictOf);
}

function described(
  entry: Pick<Indicator, 'id' | 'title' | 'description' | 'examples'>,
  marks: readonly string[],
  verdictOf: VerdictOf,
): string {
  const { fires, silent } = entry.examples;
  return [
    `### ${entry.id}`,
    `${entry.title} · ${marks.join(' · ')}`,
    entry.description,
    ...(fires.length === 0
      ? []
      : [`Fires on:\n\n${fires.map((one) => `- ${example(one, verdictOf(one))}`).join('\n')}`]),
    `Silent on:\n\n${silent.map((one) => `- ${example(one, verdictOf(one))}`).join('\n')}`,
  ].join('\n\n');
}

function example(one: Example, verdict: Verdict): string {
  const { severity, score } = verdict;
  const verdictText = severity === 'none' ? 'no finding' : `**${severity}** (${score})`;
  return [code(one.run), ...circumstances(one)].join(' · ') + ` → ${verdictText}`;
}

/** Everything about an example that is not as usual. */
function circumstances(one: Example): string[] {
  const file = Object.entries(one.file ?? {}).filter(([, value]) => value);
  return [
    ...(one.by === undefined
      ? []
      : [one.by.length === 0 ? 'by nothing' : `by ${one.by.map(code).join(' ← ')}`]),
    ...(one.image === undefined ? [] : [`in ${code(one.image)}`]),
    ...(one.exe === undefined ? [] : [`the file is ${code(one.exe)}`]),
    ...(one.argv0 === undefined ? [] : [`argv[0] ${code(one.argv0)}`]),
    ...(one.cwd === undefined ? [] : [`cwd ${code(one.cwd)}`]),
    ...(one.tty ? ['on a terminal'] : []),
    ...(one.in_init_tree === false ? ['entered from outside'] : []),
    ...(one.exec_probe ? ['declared probe'] : []),
    ...(file.length === 0 ? [] : [file.map(([name]) => name.replaceAll('_', ' ')).join(', ')]),
    ...(one.mounts ?? []).map(
      (mount) => `${mount.type} at ${code(mount.destination)}${mount.read_only ? ', read-only' : ''}`,
    ),
    ...(one.workload_kind === undefined ? [] : [one.workload_kind]),
    ...(one.args_lost ? ['arguments lost'] : []),
  ];
}

const CLASS_PATHS: Readonly<Record<LocationClass, string>> = {
  memfd: '`memfd:…`; or the sensor says so',
  descriptor: '`/proc/self/fd/N`, `/proc/N/fd/N`, `/dev/fd/N`',
  deleted: 'path marked `(deleted)`, or a link count of 0',
  world_writable: codes(worldWritable.filter((path) => !mountRoots.includes(path))),
  upload: codes(uploadRoots),
  web_root: codes(webRoots),
  mount: codes(mountRoots),
  volume: `writable mounts of the container; where the sensor tells no mounts: ${codes(volumeRoots)}`,
  hidden: 'a component that starts with a dot or begins or ends with a blank',
  unusual: 'none of the others, and none of the directories of programs below',
};

/** No image, ancestor or argument is asked for. */
function isFree(place: ExpectedPlace): boolean {
  return !place.images?.length && !place.ancestors?.length && place.java === undefined;
}

function canAgree(place: ExpectedPlace): boolean {
  return !isFree(place) || place.paths.some((path) => path.startsWith('/run/'));
}

function places(): string {
  const rows = Object.entries(CLASS_PATHS).map(([id, paths]) =>
    row([code(id), locationWords[id as LocationClass], paths]),
  );
  const expected = expectedPlaces.filter(canAgree).map((place) => {
    const agree = [
      ...(place.images?.length ? [`image ${codes(place.images)}`] : []),
      ...(place.ancestors?.length ? [`ancestor ${codes(place.ancestors)}`] : []),
      ...(place.java === undefined ? [] : [`java arguments ${code(`/${place.java.source}/`)}`]),
      ...(isFree(place) ? ['nothing has to agree below `/run`'] : []),
    ];
    return row([place.what, codes(place.paths), agree.join('; ')]);
  });
  return [
    '## Location classes',
    'Of the executed program, its script, a program that a wrapper or loader starts, and of every ancestor inside the container. Paths are made absolute and free of `..` first; read-only mounts are not suspicious. `detect.locations` gives paths of your images a class.',
    table(['class', 'in words', 'paths'], rows),
    `Directories of programs: ${codes(programRoots)}.`,
    `Hidden directories that are nothing special: ${codes([...ordinaryHidden])}.`,
    '### Expected places',
    'These look suspicious and are normal where the image or an ancestor agrees; a name alone proves nothing, and a deleted file is never expected.',
    table(['what', 'paths', 'if one of these agrees'], expected),
  ].join('\n\n');
}

function table(columns: readonly string[], rows: readonly string[]): string {
  return [`| ${columns.join(' | ')} |`, `|${columns.map(() => ' --- |').join('')}`, ...rows].join('\n');
}

/** A code span, whatever the text holds; control characters as a reader writes them. */
function code(text: string): string {
  const printable = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
    (one) => (one === '\n' ? '\\n' : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
  const longest = Math.max(0, ...[...printable.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  const pad = /^`|`$|^ .* $/.test(printable) ? ' ' : '';
  return `${fence}${pad}${printable}${pad}${fence}`;
}

function codes(texts: readonly string[]): string {
  return texts.map(code).join(' ');
}

/** A pipe ends a cell, in a code span too. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

function signed(points: number): string {
  return points < 0 ? `−${-points}` : `+${points}`;
}

function technique(id: string): string {
  return `[${id}](https://attack.mitre.org/techniques/${id.replace('.', '/')}/)`;
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
