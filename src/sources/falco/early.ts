import type { CanaryCheck } from '../../model/canary.ts';
import type { Interest } from '../../model/intake.ts';
import { type FieldSpans, has, slot, valueIs } from './spans.ts';

/** What a message of Falco is. */
export type FalcoKind = 'exec' | 'failed_exec' | 'alert' | 'internal' | 'canary';

const execve = Buffer.from('execve');
const execveat = Buffer.from('execveat');
const success = Buffer.from('SUCCESS');
const entering = Buffer.from('>');
const host = Buffer.from('host');
const yes = Buffer.from('true');
const unusualFlags = [Buffer.from('EXE_FROM_MEMFD'), Buffer.from('EXE_UPPER_LAYER')];

/**
 * Tells what a message is. An exec whose result the rule does not print is taken as successful; failed execs
 * (a search through PATH makes several) carry the fields of the program that tried, so they are never judged.
 */
export function kindOf(spans: FieldSpans): FalcoKind {
  if (spans.internal) return 'internal';
  if (!valueIs(spans, slot['evt.type'], execve) && !valueIs(spans, slot['evt.type'], execveat))
    return 'alert';
  if (valueIs(spans, slot['evt.dir'], entering)) return 'failed_exec';
  const result = slot['evt.res'];
  return has(spans, result) && !valueIs(spans, result, success) ? 'failed_exec' : 'exec';
}

/** False for a process of the host, and for an alert whose rule does not print `container.id`. */
export function isInContainer(spans: FieldSpans): boolean {
  const id = slot['container.id'];
  return has(spans, id) && !valueIs(spans, id, host);
}

/**
 * True if the exec is the canary that is out. Its whole command line is known, argv[0] included: what stands before
 * the first blank is the file itself, or its name where only `proc.cmdline` is printed.
 */
export function isCanary(spans: FieldSpans, canary: CanaryCheck): boolean {
  const { bytes, at } = spans;
  const path = has(spans, slot['proc.exepath']) ? slot['proc.exepath'] : slot['proc.exe'];
  const line = has(spans, slot['proc.exeline']) ? slot['proc.exeline'] : slot['proc.cmdline'];
  const end = at[line * 2 + 1]!;
  const blank = bytes.indexOf(0x20, at[line * 2]!);
  if (blank < 0 || blank >= end) return false;
  return canary.exec(bytes, at[path * 2]!, at[path * 2 + 1]!, blank + 1, end);
}

/** The early test: could this exec become a finding? */
export function isInteresting(spans: FieldSpans, interest: Interest): boolean {
  const { bytes, at } = spans;
  const applet = isNamedApplet(spans);
  for (let n = applet ? 1 : 0; n < paths.length; n += 1) {
    const index = paths[n]!;
    if (has(spans, index) && interest.path(bytes, at[index * 2]!, at[index * 2 + 1]!)) return true;
  }
  for (const index of texts)
    if (has(spans, index) && interest.text(bytes, at[index * 2]!, at[index * 2 + 1]!)) return true;
  return isUnusualFile(spans);
}

const multiCallPaths = ['/bin/busybox', '/usr/bin/busybox', '/bin/toybox', '/usr/bin/toybox'].map((path) =>
  Buffer.from(path),
);

/**
 * A multi-call program in its usual place, started under the name of an applet, as half the execs of an Alpine
 * image are: the judgement goes by that name alone, so it tells what the path would hide.
 */
function isNamedApplet(spans: FieldSpans): boolean {
  for (const path of multiCallPaths)
    if (valueIs(spans, slot['proc.exepath'], path)) return isStartedByName(spans);
  return false;
}

/** True if `proc.name` is the last part of `proc.exe`: no script, no descriptor, no false name. */
function isStartedByName({ bytes, at }: FieldSpans): boolean {
  const [exe, name] = [slot['proc.exe'] * 2, slot['proc.name'] * 2];
  const length = at[name + 1]! - at[name]!;
  const from = at[exe + 1]! - length;
  if (length === 0 || from < at[exe]!) return false;
  for (let i = 0; i < length; i += 1) if (bytes[from + i] !== bytes[at[name]! + i]) return false;
  return from === at[exe]! || bytes[from - 1] === 0x2f;
}

const paths = [slot['proc.exepath'], slot['proc.exe'], slot['proc.name']];
const texts = [slot['proc.exeline'], slot['proc.cmdline'], slot['proc.args']];

/** Files that are no part of the image are rare, and their names tell nothing: always worth a judgement. */
function isUnusualFile(spans: FieldSpans): boolean {
  if (valueIs(spans, slot['proc.is_exe_from_memfd'], yes)) return true;
  if (valueIs(spans, slot['proc.is_exe_upper_layer'], yes)) return true;
  const flags = slot['evt.arg.flags'];
  if (!has(spans, flags)) return false;
  const value = spans.bytes.subarray(spans.at[flags * 2]!, spans.at[flags * 2 + 1]!);
  return unusualFlags.some((flag) => value.includes(flag));
}
