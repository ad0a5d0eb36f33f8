/**
 * Judgements of execs that are alike in all a judgement rests on: a probe, a loop, the same job in a hundred pods. A
 * key is remembered when it is first seen, its judgement when it is seen again.
 */
import { type Evidence, evidenceKey, processKey } from './evidence.ts';

/** `undefined`: judged, and nothing found. */
export interface Alike<T> {
  /** Whether `test` holds for the exec's process by itself. */
  process(evidence: Evidence, test: () => boolean): boolean;
  /** What `judge` gives; `keeps` says whether that holds for every exec that is alike. */
  judgement(
    evidence: Evidence,
    judge: () => T | undefined,
    keeps: (result: T | undefined) => boolean,
  ): T | undefined;
}

const PROCESSES = 256;
const JUDGEMENTS = 128;

type Known<T> = { result: T | undefined } | 'seen';

export function rememberAlike<T>(): Alike<T> {
  const processes = new Map<string, boolean>();
  const judgements = new Map<string, Known<T>>();
  let last: { process: Evidence['process']; sensor: Evidence['sensor']; key: string | undefined } | undefined;

  function keyOf({ process, sensor }: Evidence): string | undefined {
    if (last?.process !== process || last.sensor !== sensor)
      last = { process, sensor, key: processKey(process, sensor) };
    return last.key;
  }

  return {
    process(evidence, test) {
      const key = keyOf(evidence);
      if (key === undefined) return test();
      const known = processes.get(key);
      if (known !== undefined) return known;
      const result = test();
      if (processes.size >= PROCESSES) processes.clear();
      processes.set(key, result);
      return result;
    },
    judgement(evidence, judge, keeps) {
      const ofProcess = keyOf(evidence);
      const key = ofProcess === undefined ? undefined : evidenceKey(ofProcess, evidence);
      if (key === undefined) return judge();
      const known = judgements.get(key);
      if (known !== undefined && known !== 'seen') return known.result;
      const result = judge();
      if (known === undefined && judgements.size >= JUDGEMENTS) judgements.clear();
      if (known === undefined || keeps(result))
        judgements.set(key, known === undefined ? 'seen' : { result });
      return result;
    },
  };
}
