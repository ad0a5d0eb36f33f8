import { timestampParts, Walk, wrappedNumber } from '../../lib/wire.ts';
import type { CanaryCheck } from '../../model/canary.ts';
import type { Decode, Intake } from '../../model/intake.ts';
import {
  getEventsResponseFields as eventFields,
  processExecFields,
  processExitFields,
  processFields,
  rateLimitInfoFields,
} from './fields.ts';

/** Arguments longer than this are cut in the process table; a finding's own event is never cut. */
const KEPT_ARGUMENTS = 2048;
const procFS = Buffer.from('procFS');
const truncated = Buffer.from(' truncArgs');

/** Where the fields of one Process lie: for each field number below 32 its tag, start and end. */
class ProcessSpans {
  readonly at = new Int32Array(32 * 3);
  private readonly walk = new Walk(new Uint8Array(0));

  read(bytes: Uint8Array, from: number, to: number): void {
    this.at.fill(0);
    const walk = this.walk;
    walk.reset(bytes, from, to);
    while (walk.next()) {
      if (walk.field >= 32 || walk.type !== 2) continue;
      const slot = walk.field * 3;
      this.at[slot] = walk.tag;
      this.at[slot + 1] = walk.start;
      this.at[slot + 2] = walk.end;
    }
  }

  start(field: number): number {
    return this.at[field * 3 + 1]!;
  }
  end(field: number): number {
    return this.at[field * 3 + 2]!;
  }
  tag(field: number): number {
    return this.at[field * 3]!;
  }
  length(field: number): number {
    return this.end(field) - this.start(field);
  }
}

/** The fields of a Process that an ancestor's description needs; arguments and flags are written apart. */
const keptFields = [
  processFields.exec_id,
  processFields.pid,
  processFields.uid,
  processFields.cwd,
  processFields.binary,
  processFields.start_time,
  processFields.docker,
  processFields.parent_exec_id,
  processFields.binary_properties,
  processFields.user,
];

/**
 * The hot path: takes every message of the stream, counts it, keeps in the process table what later findings
 * may ask for, and hands over only what could become a finding. Walks tags, builds no object for the rest.
 * The kind of a message is not its first tag: Go writes the fields above 1000 before the event.
 */
export function earlyTest(intake: Intake, decode: Decode): (message: Buffer) => void {
  const { counts, interest, processes, recent, canary } = intake;
  const top = new Walk(new Uint8Array(0));
  const inner = new Walk(new Uint8Array(0));
  const started = new ProcessSpans();
  const parent = new ProcessSpans();
  let scratch = Buffer.alloc(16 * 1024);

  function take(message: Buffer): void {
    counts.messages += 1;
    try {
      top.reset(message, 0, message.length);
      while (top.next()) {
        if (top.type !== 2) continue;
        const { field, start, end } = top;
        if (field === eventFields.process_exec) exec(message, start, end);
        else if (field === eventFields.process_exit) exit(message, start, end);
        else if (field === eventFields.process_throttle) counts.sensor_loss_reports += 1;
        else if (field === eventFields.rate_limit_info) rateLimit(message, start, end);
        else continue;
        return;
      }
    } catch (error) {
      intake.unreadable('undecodable', error instanceof Error ? error.message : String(error), message);
    }
  }

  function exec(message: Buffer, from: number, to: number): void {
    let parentFrom = 0;
    let parentTo = 0;
    inner.reset(message, from, to);
    started.at.fill(0);
    while (inner.next()) {
      if (inner.type !== 2) continue;
      if (inner.field === processExecFields.process) started.read(message, inner.start, inner.end);
      else if (inner.field === processExecFields.parent) {
        parentFrom = inner.start;
        parentTo = inner.end;
      }
    }
    const inContainer = started.length(processFields.docker) > 0 || started.length(processFields.pod) > 0;
    const running = has(message, started, procFS);
    if (canary !== undefined && isCanary(canary, message)) return;
    if (running) counts.already_running += 1;
    else {
      counts.execs += 1;
      if (inContainer) counts.container_execs += 1;
    }
    if (!inContainer) return;
    const seconds = remember(message, started);
    if (parentTo > parentFrom) rememberParent(message, parentFrom, parentTo);
    if (running) return;
    recent.exec(
      message,
      started.start(processFields.docker),
      started.end(processFields.docker),
      seconds,
      wrappedNumber(message, started.start(processFields.pid), started.end(processFields.pid)),
      started.start(processFields.binary),
      started.end(processFields.binary),
      started.start(processFields.arguments),
      started.end(processFields.arguments),
    );
    const wanted = interest.exec(
      message,
      started.start(processFields.binary),
      started.end(processFields.binary),
      started.start(processFields.arguments),
      started.end(processFields.arguments),
    );
    if (!wanted) {
      counts.early_rejected += 1;
      return;
    }
    // A copy: the transport may have handed over a view on a larger chunk.
    intake.offer(Buffer.from(message), decode);
  }

  function isCanary(check: CanaryCheck, message: Buffer): boolean {
    return check.exec(
      message,
      started.start(processFields.binary),
      started.end(processFields.binary),
      started.start(processFields.arguments),
      started.end(processFields.arguments),
    );
  }

  function rememberParent(message: Buffer, from: number, to: number): void {
    parent.read(message, from, to);
    const start = parent.start(processFields.exec_id);
    const end = parent.end(processFields.exec_id);
    // A fork without exec has an exec_id that no exec event ever carried: only its children name it.
    if (end > start && !processes.touch(message, start, end)) remember(message, parent);
  }

  /** Keeps the process in the table; gives its start in seconds of event time. */
  function remember(message: Buffer, process: ProcessSpans): number {
    const start = timestampParts(
      message,
      process.start(processFields.start_time),
      process.end(processFields.start_time),
    );
    const seconds = start.seconds + start.nanos / 1e9;
    const keyFrom = process.start(processFields.exec_id);
    const keyTo = process.end(processFields.exec_id);
    if (keyTo === keyFrom) return seconds;
    let length = 0;
    for (const field of keptFields) length += process.end(field) - process.tag(field);
    const needed = length + KEPT_ARGUMENTS + process.length(processFields.flags) + 64;
    if (needed > scratch.length) scratch = Buffer.alloc(needed * 2);
    let to = 0;
    for (const field of keptFields) {
      const end = process.end(field);
      for (let from = process.tag(field); from < end; from += 1) scratch[to++] = message[from]!;
    }
    to = writeArguments(message, process, to);
    processes.put(
      message,
      keyFrom,
      keyTo,
      process.start(processFields.parent_exec_id),
      process.end(processFields.parent_exec_id),
      seconds,
      scratch,
      to,
    );
    return seconds;
  }

  /** Arguments and flags; cut arguments get the sensor's own mark for it, so that they are read as truncated. */
  function writeArguments(message: Buffer, process: ProcessSpans, at: number): number {
    const full = process.length(processFields.arguments);
    const kept = Math.min(full, KEPT_ARGUMENTS);
    const flags = process.length(processFields.flags);
    let to = at;
    if (full > 0) {
      to = writeHead(to, processFields.arguments, kept);
      to += message.copy(
        scratch,
        to,
        process.start(processFields.arguments),
        process.start(processFields.arguments) + kept,
      );
    }
    const mark = full > kept ? truncated.length : 0;
    to = writeHead(to, processFields.flags, flags + mark);
    to += message.copy(scratch, to, process.start(processFields.flags), process.end(processFields.flags));
    if (mark > 0) to += truncated.copy(scratch, to);
    return to;
  }

  function writeHead(at: number, field: number, length: number): number {
    let to = at;
    scratch[to++] = (field << 3) | 2;
    let rest = length;
    while (rest > 127) {
      scratch[to++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    scratch[to++] = rest;
    return to;
  }

  function exit(message: Buffer, from: number, to: number): void {
    counts.exits += 1;
    let seconds = 0;
    let processFrom = 0;
    let processTo = 0;
    inner.reset(message, from, to);
    while (inner.next()) {
      if (inner.type !== 2) continue;
      if (inner.field === processExitFields.time)
        seconds = timestampParts(message, inner.start, inner.end).seconds;
      else if (inner.field === processExitFields.process) {
        processFrom = inner.start;
        processTo = inner.end;
      }
    }
    inner.reset(message, processFrom, processTo);
    while (inner.next()) {
      if (inner.field !== processFields.exec_id) continue;
      processes.exit(message, inner.start, inner.end, seconds);
      return;
    }
  }

  function rateLimit(message: Buffer, from: number, to: number): void {
    counts.sensor_loss_reports += 1;
    inner.reset(message, from, to);
    while (inner.next())
      if (inner.field === rateLimitInfoFields.number_of_dropped_process_events && inner.type === 0)
        counts.sensor_lost_events += inner.value;
  }

  return take;
}

function has(message: Buffer, process: ProcessSpans, word: Buffer): boolean {
  const end = process.end(processFields.flags) - word.length;
  for (let at = process.start(processFields.flags); at <= end; at += 1) {
    let i = 0;
    while (i < word.length && message[at + i] === word[i]) i += 1;
    if (i === word.length) return true;
  }
  return false;
}
