import { describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { recordTaker } from '../../src/sources/record-taker.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { testIntake } from '../support/intake.ts';
import { recordedMessages } from '../support/recordings.ts';

/**
 * Tetragon and Falco watched the same scenario in the same containers, in two runs. Each exec of the one is
 * held against its twin of the other, field by field. A field may differ only if it stands here, and then only
 * as often as it does today.
 */
const mayDiffer: Record<string, string> = {
  id: "each sensor's own",
  time: 'two runs',
  sensor: 'named so',
  exec_id: 'Falco has none',
  rule: 'Tetragon has none',
  node: "Tetragon's configured node name, Falco's host name",
  'process.pid': 'two runs',
  'process.binary': 'the path as given to execve: Tetragon tells it, Falco only for scripts',
  'process.exe': 'the file behind links: Falco tells it, Tetragon does not',
  'process.comm': 'Falco only',
  'process.argv[0]': 'Falco tells it, Tetragon never does: there it is the path',
  'process.argv':
    'Falco joins words without quotes, so words with blanks come apart; and it cuts at 4,095 bytes',
  'process.argv_quality':
    'Falco: exact only for no, one or two words; Tetragon: exact unless a quote appears',
  'process.argv0_known': 'Falco tells argv[0], Tetragon never does',
  'process.arguments': 'kept where the split is not exact',
  'process.cwd': 'Falco loses it now and then, when it missed the chdir of a process it learned of late',
  'process.user': 'Falco looks the name up, Tetragon only when told to',
  'process.tty': 'Falco only',
  'process.in_init_tree': 'Tetragon only',
  'process.file': 'upper layer and memfd: Falco; no links left: Tetragon',
  'container.id':
    'Tetragon with Kubernetes: 64 digits or 31; Falco: full_id where the rule prints it. Jobs got new containers in each run',
  'container.name': 'Docker containers have no pod, and Tetragon no other source of names',
  'container.runtime': 'as container.name',
  'container.started_at': "Kubernetes' start of the container and the runtime's differ by the start-up",
  'container.privileged': 'Falco says no, Tetragon says only yes',
  image: 'Docker containers have no pod, and Tetragon no other source of images',
  pod: 'Tetragon tells labels and workload, Falco the name, namespace and uid',
  ancestors: 'Falco misses those that ended before it looked; Tetragon has all',
};

function eventsOf(form: 'tetragon' | 'falco', name: string): ExecEvent[] {
  const intake = testIntake();
  const take = recordTaker(form, 'frames', { source: 'same', intake, log: silentLog });
  for (const message of recordedMessages(name)) take(message);
  return intake.events.filter((event) => event.container !== undefined);
}

/** What the two can agree on: the arguments as one text, without argv[0]. */
function commandOf(event: ExecEvent): string {
  const { process } = event;
  return process.argv.slice(1).join(' ').slice(0, 3000);
}

function nameOf(event: ExecEvent): string {
  const path = event.process.binary ?? event.process.argv[0] ?? '';
  return path.slice(path.lastIndexOf('/') + 1);
}

function differences(a: ExecEvent, b: ExecEvent): string[] {
  const found: string[] = [];
  const compare = (path: string, x: unknown, y: unknown) => {
    if (JSON.stringify(x) !== JSON.stringify(y)) found.push(path);
  };
  for (const key of [
    'id',
    'time',
    'sensor',
    'source',
    'node',
    'cluster',
    'exec_id',
    'rule',
    'image',
    'pod',
  ] as const)
    compare(key, a[key], b[key]);
  const { argv: aArgv, ...aProcess } = a.process;
  const { argv: bArgv, ...bProcess } = b.process;
  for (const key of keys(aProcess, bProcess))
    compare(`process.${key}`, get(aProcess, key), get(bProcess, key));
  compare('process.argv[0]', aArgv[0], bArgv[0]);
  compare('process.argv', aArgv.slice(1), bArgv.slice(1));
  for (const key of keys(a.container ?? {}, b.container ?? {}))
    compare(`container.${key}`, get(a.container, key), get(b.container, key));
  const inside = (event: ExecEvent) =>
    event.ancestors.filter((one) => one.place === 'container').map((one) => one.argv.slice(1).join(' '));
  compare('ancestors', inside(a), inside(b));
  return found;
}

function keys(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
function get(object: object | undefined, key: string): unknown {
  return (object as Record<string, unknown> | undefined)?.[key];
}

/** Pairs by what was run; what ran several times is paired in order. */
function pair(tetragon: ExecEvent[], falco: ExecEvent[]) {
  const left = [...falco];
  const pairs: [ExecEvent, ExecEvent][] = [];
  const alone: string[] = [];
  for (const event of tetragon) {
    const fits = (one: ExecEvent) =>
      commandOf(one) === commandOf(event) && (nameOf(one) === nameOf(event) || sameButForTheName(event, one));
    const at = left.findIndex((one) => nameOf(one) === nameOf(event) && fits(one));
    const twin = at >= 0 ? at : left.findIndex(fits);
    if (twin < 0) alone.push(`${nameOf(event)} ${commandOf(event)}`.slice(0, 80));
    else pairs.push([event, left.splice(twin, 1)[0]!]);
  }
  return { pairs, alone, left: left.map((one) => `${nameOf(one)} ${commandOf(one)}`.slice(0, 80)) };
}

/** argv[0] hides the file, or the file is known only by a descriptor or as the program itself. */
function sameButForTheName(tetragon: ExecEvent, falco: ExecEvent): boolean {
  const { binary = '' } = tetragon.process;
  return (
    binary.startsWith('/proc/self/') ||
    falco.process.exe === binary ||
    falco.process.argv[0] !== falco.process.comm
  );
}

const tetragon = eventsOf('tetragon', 'tetragon/scenario-k8s');
const falco = eventsOf('falco', 'falco/scenario');
const { pairs, alone, left } = pair(tetragon, falco);

describe('one scenario, seen by both sensors', () => {
  it('gives the same execs', () => {
    expect({ alone, left }).toEqual({ alone: [], left: [] });
    expect(pairs).toHaveLength(105);
  });

  it('differs only in the fields that may differ, each with its reason', () => {
    const found = new Set(pairs.flatMap(([a, b]) => differences(a, b)));
    expect([...found].filter((field) => mayDiffer[field] === undefined)).toEqual([]);
    expect(Object.keys(mayDiffer).filter((field) => !found.has(field))).toEqual([]);
  });

  it('agrees where both tell: container, image, pod, user id, working directory', () => {
    for (const [a, b] of pairs) {
      const isJob = b.container!.name?.startsWith('job-') === true;
      expect(a.container!.id.slice(0, 31) === b.container!.id.slice(0, 31)).toBe(!isJob);
      expect(a.process.uid).toBe(b.process.uid);
      if (a.process.cwd !== undefined && b.process.cwd !== undefined)
        expect(a.process.cwd).toBe(b.process.cwd);
      if (a.image === undefined) continue;
      expect(a.image.repository).toBe(b.image?.repository);
      expect(a.image.tag).toBe(b.image?.tag);
      expect(a.image.digest).toBe(b.image?.digest);
      expect(a.pod?.namespace).toBe(b.pod?.namespace);
      if (!isJob) expect(a.pod?.name).toBe(b.pod?.name);
    }
  });

  it('names in Falco no ancestor inside the container that Tetragon does not name', () => {
    for (const [a, b] of pairs) {
      const chain = (event: ExecEvent) =>
        event.ancestors
          .filter((one) => one.place === 'container')
          .map((one) => one.argv.slice(1).join(' ').slice(0, 3000));
      const known = chain(a);
      expect(chain(b).filter((text) => !known.includes(text))).toEqual([]);
    }
  });
});
