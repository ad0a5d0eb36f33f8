import { messageOf } from '../../lib/errors.ts';
import type { Intake, RecentMemory } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { type FalcoKind, isCanary, isInContainer, isInteresting, kindOf } from './early.ts';
import { documentScanner } from './json-scan.ts';
import { openLossReports } from './loss.ts';
import { openRecollection } from './memory.ts';
import { decodeAlert, type FalcoAlert, NotFalcoError, parseAlert } from './message.ts';
import { normalizeAlert } from './normalize.ts';
import { alertScanner, type FieldSpans, has, messageScanner, newSpans, slot } from './spans.ts';
import { looksLikeText } from './text.ts';

/** What became of one message. */
export interface Reading {
  kind: FalcoKind | 'unreadable';
  /** Why it could not be read, for an answer to the sender. */
  reason?: 'not_json' | 'not_falco_json' | 'falco_text_output' | 'undecodable';
  detail?: string;
}

/** What became of a document that was judged at once. */
export interface JudgedReading extends Reading {
  /** Present if the exec became a finding: fulfilled when delivery has accepted it. */
  accepted?: Promise<void>;
}

/**
 * One way for every message of Falco, live or recorded: count it, keep its process in memory, dismiss it early
 * or hand it over. Nothing here throws.
 */
export interface FalcoReader {
  /** A `falco.outputs.response`; an exec that passes the early test goes to the queue. */
  message(bytes: Buffer): Reading;
  /** A JSON document (a line of a file, an HTTP body); as `message`. */
  document(bytes: Buffer): Reading;
  /** A JSON document, judged before this returns. */
  judge(bytes: Buffer): JudgedReading;
}

export interface ReaderOptions {
  /** The source's configured name. */
  source: string;
  intake: Intake;
  log: Log;
  /** Called for each gRPC message whose `output` is a JSON document: Falco runs with json_output: true. */
  onJsonOutput?: () => void;
  /** Called with Falco's version where a message of its own tells it (metrics snapshots do). */
  onVersion?: (version: string) => void;
}

const readings: Record<FalcoKind, Reading> = {
  exec: { kind: 'exec' },
  failed_exec: { kind: 'failed_exec' },
  alert: { kind: 'alert' },
  internal: { kind: 'internal' },
  canary: { kind: 'canary' },
};

/** Rules that are named in the log for lacking a field; more would only repeat the advice. */
const MAX_NAMED_RULES = 20;

/** Remembers the exec as context of findings in the same container. */
function keepRecent({ bytes, at, seconds, nanos }: FieldSpans, recent: RecentMemory): void {
  const start = (index: number) => at[index * 2]!;
  const end = (index: number) => at[index * 2 + 1]!;
  const id = slot['container.id'];
  const line = end(slot['proc.exeline']) > 0 ? slot['proc.exeline'] : slot['proc.cmdline'];
  let pid = 0;
  for (let i = start(slot['proc.pid']); i < end(slot['proc.pid']); i += 1) pid = pid * 10 + bytes[i]! - 0x30;
  recent.exec(bytes, start(id), end(id), seconds + nanos / 1e9, pid, start(line), end(line), 0, 0);
}

export function openFalcoReader(options: ReaderOptions): FalcoReader {
  const { source, intake, log, onJsonOutput, onVersion } = options;
  const { counts, interest } = intake;
  const spans = newSpans();
  const scanMessage = messageScanner(spans);
  const scanAlert = alertScanner(spans);
  const scanDocument = documentScanner(spans);
  const memory = openRecollection(intake.processes);
  const losses = openLossReports(counts);
  const named = new Set<string>();
  /** The message that is being read, and itself whole once somebody asked for it. */
  let current: Buffer = Buffer.alloc(0);
  let whole: FalcoAlert | undefined;
  let decode: (bytes: Buffer) => FalcoAlert = decodeAlert;
  /** It is judged before the call returns, instead of being queued. */
  let atOnce = false;
  let accepted: Promise<void> | undefined;

  function begin(bytes: Buffer, form: (bytes: Buffer) => FalcoAlert, judged: boolean): void {
    counts.messages += 1;
    current = bytes;
    whole = undefined;
    decode = form;
    atOnce = judged;
    accepted = undefined;
  }

  function alertNow(): FalcoAlert {
    whole ??= decode(current);
    return whole;
  }

  /** What the scanned message is. */
  function take(): Reading {
    const kind = kindOf(spans);
    if (kind === 'internal') takeInternal(alertNow());
    else if (kind === 'alert') passAlert(alertNow());
    else if (kind === 'failed_exec') counts.failed_execs += 1;
    else if (intake.canary !== undefined && isCanary(spans, intake.canary)) return readings.canary;
    else takeExec();
    return readings[kind];
  }

  function takeInternal({ fields }: FalcoAlert): void {
    counts.internal += 1;
    losses.read(fields);
    const version = fields.get('falco.version');
    if (version !== undefined) onVersion?.(version);
  }

  function takeExec(): void {
    counts.execs += 1;
    if (!isInContainer(spans)) {
      if (!has(spans, slot['container.id']) && named.size < MAX_NAMED_RULES) nameRule(alertNow());
      return;
    }
    counts.container_execs += 1;
    keepRecent(spans, intake.recent);
    if (!isInteresting(spans, interest)) {
      counts.early_rejected += 1;
      memory.remember(spans);
      return;
    }
    // Asked now and not when the queue comes to it: memory stands as it stood when the exec happened.
    const remembered = memory.recall(spans);
    memory.remember(spans);
    if (atOnce) {
      accepted = intake.judge(normalizeAlert(alertNow(), source, remembered));
      return;
    }
    // What waits in the queue holds no more than bytes.
    const form = decode;
    intake.offer(current, (message) => normalizeAlert(form(message), source, remembered));
  }

  function passAlert(alert: FalcoAlert): void {
    counts.other_alerts += 1;
    const id = alert.fields.get('container.id');
    intake.alert({
      time: alert.time,
      source,
      ...(id !== undefined && id !== 'host' && { container_id: id }),
      rule: alert.rule,
      priority: alert.priority,
      output: alert.output,
    });
  }

  /** A rule that does not print the container's id makes each of its execs look like the host's: said once. */
  function nameRule(alert: FalcoAlert): void {
    if (alert.fields.has('container.id') || named.has(alert.rule)) return;
    named.add(alert.rule);
    log.warn('execs of this Falco rule cannot be judged: its output does not print container.id', {
      source,
      rule: alert.rule,
      mend: 'add container.id to the rule, or set append_output: [{suggested_output: true}] in falco.yaml',
    });
  }

  function unreadable(reason: NonNullable<Reading['reason']>, error: unknown, bytes: Buffer): Reading {
    const detail = messageOf(error);
    intake.unreadable(reason, detail, bytes);
    return { kind: 'unreadable', reason, detail };
  }

  function readDocument(bytes: Buffer, judged: boolean): Reading {
    begin(bytes, parseDocument, judged);
    try {
      if (!scanDocument(bytes)) {
        whole = parseDocument(bytes);
        scanAlert(whole);
      }
      return take();
    } catch (error) {
      if (error instanceof SyntaxError) {
        const isText = looksLikeText(bytes.toString('utf8'));
        return unreadable(isText ? 'falco_text_output' : 'not_json', error, bytes);
      }
      return unreadable(error instanceof NotFalcoError ? 'not_falco_json' : 'undecodable', error, bytes);
    }
  }

  return {
    message(bytes) {
      begin(bytes, decodeAlert, false);
      try {
        scanMessage(bytes);
        if (onJsonOutput !== undefined && spans.jsonOutput) onJsonOutput();
        return take();
      } catch (error) {
        return unreadable('undecodable', error, bytes);
      }
    },
    document: (bytes) => readDocument(bytes, false),
    judge(bytes) {
      const reading = readDocument(bytes, true);
      return accepted === undefined ? reading : { ...reading, accepted };
    },
  };
}

function parseDocument(bytes: Buffer): FalcoAlert {
  return parseAlert(bytes.toString('utf8'));
}
