import type { Outcome, SinkConduct, SinkState } from '../model/delivery.ts';

const brokenInitialMs = 1_000;
const brokenMaxMs = 300_000;
const parkedInitialMs = 60_000;
const parkedMaxMs = 3_600_000;

/**
 * Whether a sink may be asked at all. Failures that are the sink's, not the delivery's, close it:
 *
 *   paused    the receiver said Retry-After
 *   broken    several failures in a row, or throttled without a word how long
 *   parked    401, 403 or a redirect: the configuration must change, so it is asked rarely
 *   disabled  410: never asked again by this process, unless a person says so
 *
 * When the time is over, one attempt probes; a delivery that arrives opens the gate. Pure: time and chance are
 * handed in.
 */
export interface Gate {
  readonly state: SinkState;
  readonly detail: string;
  /** When a probe may be made; undefined while flowing, infinite when disabled. */
  readonly until_ms: number | undefined;
  admits(now_ms: number, in_flight: number): boolean;
  /** Takes in an outcome; true if the state has changed. */
  note(outcome: Outcome, now_ms: number): boolean;
  /** A person says that the sink is well again. */
  reset(): void;
}

export function openGate(conduct: SinkConduct, random: () => number): Gate {
  let state: SinkState = 'flowing';
  let detail = '';
  let until: number | undefined;
  let failures = 0;
  /** Closures in a row without a delivery between. */
  let strikes = 0;

  function open(): boolean {
    failures = 0;
    strikes = 0;
    if (state === 'flowing') return false;
    return resume();
  }

  function resume(): boolean {
    [state, detail, until] = ['flowing', '', undefined];
    return true;
  }

  function close(to: SinkState, until_ms: number, why: string): boolean {
    const changed = state !== to;
    [state, detail, until] = [to, why, until_ms];
    // A pause is what the receiver asked for, no sign of illness.
    if (to !== 'paused') strikes += 1;
    return changed;
  }

  /** At least half of the bound, so that probes never come in a burst. */
  function wait(initial_ms: number, max_ms: number): number {
    const bound = Math.min(max_ms, initial_ms * 2 ** Math.min(strikes, 40));
    return Math.round(bound * (0.5 + random() / 2));
  }

  /** An answer to an attempt that was under way when the gate closed says nothing new. */
  function isLate(now_ms: number): boolean {
    return until !== undefined && now_ms < until;
  }

  function noteRetry(outcome: Extract<Outcome, { kind: 'retry' }>, now_ms: number): boolean {
    if (outcome.reason === 'aborted' || state === 'disabled') return false;
    const why = outcome.detail === undefined ? outcome.reason : `${outcome.reason}: ${outcome.detail}`;
    failures += 1;
    if (outcome.after_ms !== undefined) {
      const asked = now_ms + outcome.after_ms;
      return close('paused', Math.max(asked, isLate(now_ms) ? (until ?? 0) : 0), why);
    }
    if (isLate(now_ms)) return false;
    const isIll = state === 'broken' || state === 'parked' || outcome.reason === 'throttled';
    // After a pause the first failure is one of several that may happen.
    if (!isIll && failures < conduct.breaker_failures) return state === 'paused' ? resume() : false;
    return close('broken', now_ms + wait(brokenInitialMs, brokenMaxMs), why);
  }

  function noteRejected(outcome: Extract<Outcome, { kind: 'rejected' }>, now_ms: number): boolean {
    const why = outcome.detail === undefined ? outcome.reason : `${outcome.reason}: ${outcome.detail}`;
    if (outcome.reason === 'gone') return close('disabled', Number.POSITIVE_INFINITY, why);
    if (outcome.reason === 'unauthorized' || outcome.reason === 'redirect') {
      if (state === 'disabled' || (state === 'parked' && isLate(now_ms))) return false;
      return close('parked', now_ms + wait(parkedInitialMs, parkedMaxMs), why);
    }
    // The receiver is there and judged this one delivery.
    return isLate(now_ms) ? false : open();
  }

  return {
    get state() {
      return state;
    },
    get detail() {
      return detail;
    },
    get until_ms() {
      return until;
    },
    admits(now_ms, in_flight) {
      if (until === undefined) return in_flight < conduct.concurrency;
      return now_ms >= until && in_flight === 0;
    },
    note(outcome, now_ms) {
      if (outcome.kind === 'retry') return noteRetry(outcome, now_ms);
      if (outcome.kind === 'rejected') return noteRejected(outcome, now_ms);
      // What the receiver asked for stands, though an attempt from before has arrived.
      if (state === 'disabled' || (state === 'paused' && isLate(now_ms))) return false;
      return open();
    },
    reset: () => void open(),
  };
}
