/**
 * What was read lately, so that it is not read again: an event is judged once as it came and once with the facts
 * added to it, its process and ancestors being the same objects; a shell's string is read for each of its children.
 * Everything here depends on nothing but what it is asked by, and nobody changes what it gives.
 */
import type { Sensor } from '../model/exec-event.ts';
import { type AncestorView, containerChain } from './chain.ts';
import type { Evidence, EvidenceAncestor, EvidenceProcess } from './evidence.ts';
import type { Invocation } from './invocation.ts';
import { parseArguments } from './parse-arguments.ts';
import { type Resolution, resolveProcess } from './program.ts';
import { readString, type StringReading } from './strings.ts';
import type { Taxonomy } from './taxonomy.ts';
import type { Tool } from './tools/index.ts';

export interface ReadOnce {
  resolution(process: EvidenceProcess, sensor: Sensor): Resolution;
  chain(event: Evidence): readonly AncestorView[];
  string(text: string, sensor: Sensor): StringReading;
  invocation(tool: Tool, resolution: Resolution, cwd: string | undefined): Invocation;
}

/** Readings of strings kept for each sensor, and how long a string may be for that. */
const STRINGS = 32;
const STRING_LENGTH = 1024;
const INVOCATIONS = 4;

interface Parsed {
  tool: Tool;
  words: readonly string[];
  invoked_as: string;
  multi_call: Resolution['multi_call'];
  cwd: string | undefined;
  invocation: Invocation;
}

export function readOnce(taxonomy: Taxonomy): ReadOnce {
  let resolved: { process: EvidenceProcess; sensor: Sensor; resolution: Resolution } | undefined;
  let viewed:
    | { ancestors: readonly EvidenceAncestor[]; sensor: Sensor; chain: readonly AncestorView[] }
    | undefined;
  const strings = { tetragon: new Map<string, StringReading>(), falco: new Map<string, StringReading>() };
  const parsed: Parsed[] = [];
  let oldest = 0;

  return {
    resolution(process, sensor) {
      if (resolved === undefined || resolved.process !== process || resolved.sensor !== sensor)
        resolved = { process, sensor, resolution: resolveProcess(process, taxonomy, sensor) };
      return resolved.resolution;
    },
    chain(event) {
      const { ancestors, sensor } = event;
      if (viewed === undefined || viewed.ancestors !== ancestors || viewed.sensor !== sensor)
        viewed = { ancestors, sensor, chain: containerChain(event) };
      return viewed.chain;
    },
    string(text, sensor) {
      const known = strings[sensor].get(text);
      if (known !== undefined) return known;
      const reading = readString(text, taxonomy, sensor);
      if (text.length > STRING_LENGTH) return reading;
      if (strings[sensor].size >= STRINGS) strings[sensor].clear();
      strings[sensor].set(text, reading);
      return reading;
    },
    invocation(tool, resolution, cwd) {
      const { words, invoked_as, multi_call } = resolution;
      for (const one of parsed) {
        if (one.words !== words || one.tool !== tool || one.invoked_as !== invoked_as) continue;
        if (one.cwd === cwd && one.multi_call === multi_call) return one.invocation;
      }
      const invocation = parseArguments(tool, resolution, cwd);
      parsed[oldest] = { tool, words, invoked_as, multi_call, cwd, invocation };
      oldest = (oldest + 1) % INVOCATIONS;
      return invocation;
    },
  };
}
