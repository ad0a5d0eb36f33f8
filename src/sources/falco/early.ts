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
  for (const index of paths)
    if (has(spans, index) && interest.path(bytes, at[index * 2]!, at[index * 2 + 1]!)) return true;
  for (const index of texts)
    if (has(spans, index) && interest.text(bytes, at[index * 2]!, at[index * 2 + 1]!)) return true;
  return isUnusualFile(spans);
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
