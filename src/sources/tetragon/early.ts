import { messageOf } from '../../lib/errors.ts';
import { timestampSeconds, Walk, wrappedNumber } from '../../lib/wire.ts';
import { WireSpans } from '../../lib/wire-spans.ts';
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

/** The fields of a Process that an ancestor's description needs, in the order they come in. */
const keptFields = [
  processFields.exec_id,
  processFields.pid,
  processFields.uid,
  processFields.cwd,
  processFields.binary,
  processFields.arguments,
  processFields.flags,
  processFields.start_time,
  processFields.docker,
  processFields.parent_exec_id,
  processFields.binary_properties,
  processFields.user,
];

/**
 * The hot path: takes every message of the stream, counts it, keeps in the process table what later findings
 * may ask for, and hands over only what could become a finding. Reads where fields lie, builds no object for the
 * rest. The kind of a message is not its first tag: Go writes the fields above 1000 before the event.
 *
 * A message is `bytes[start..end)`; nothing of `bytes` is kept.
 */
export function earlyTest(
  intake: Intake,
  decode: Decode,
): (bytes: Buffer, start?: number, end?: number) => void {
  const { counts, interest, processes, recent, canary } = intake;
  const top = new WireSpans();
  const inner = new WireSpans();
  const started = new WireSpans();
  const parent = new WireSpans();
  const pieces = new Int32Array(keptFields.length * 2);
  let scratch = Buffer.alloc(16 * 1024);

  function take(bytes: Buffer, start = 0, end = bytes.length): void {
    counts.messages += 1;
    try {
      top.read(bytes, start, end);
      if (top.has(eventFields.process_exec)) exec(bytes, start, end);
      else if (top.has(eventFields.process_exit)) exit(bytes);
      else if (top.has(eventFields.process_throttle)) counts.sensor_loss_reports += 1;
      else rateLimit(bytes, start, end);
    } catch (error) {
      intake.unreadable('undecodable', messageOf(error), bytes.subarray(start, end));
    }
  }

  function exec(bytes: Buffer, from: number, to: number): void {
    inner.read(bytes, top.start(eventFields.process_exec), top.end(eventFields.process_exec));
    started.read(bytes, inner.start(processExecFields.process), inner.end(processExecFields.process));
    const inContainer = started.length(processFields.docker) > 0 || started.length(processFields.pod) > 0;
    const running = has(bytes, started, procFS);
    if (canary !== undefined && isCanary(canary, bytes)) return;
    if (running) counts.already_running += 1;
    else {
      counts.execs += 1;
      if (inContainer) counts.container_execs += 1;
    }
    if (!inContainer) return;
    const seconds = timestampSeconds(
      bytes,
      started.start(processFields.start_time),
      started.end(processFields.start_time),
    );
    if (!remember(bytes, started, seconds) && inner.has(processExecFields.parent)) rememberParent(bytes);
    if (running) return;
    const binary = started.start(processFields.binary);
    const binaryEnd = started.end(processFields.binary);
    const args = started.start(processFields.arguments);
    const argsEnd = started.end(processFields.arguments);
    recent.exec(
      bytes,
      started.start(processFields.docker),
      started.end(processFields.docker),
      seconds,
      wrappedNumber(bytes, started.start(processFields.pid), started.end(processFields.pid)),
      binary,
      binaryEnd,
      args,
      argsEnd,
    );
    if (!interest.exec(bytes, binary, binaryEnd, args, argsEnd)) {
      counts.early_rejected += 1;
      return;
    }
    // A copy: the transport hands over a view on a larger chunk.
    intake.offer(Buffer.from(bytes.subarray(from, to)), decode);
  }

  function isCanary(check: CanaryCheck, bytes: Buffer): boolean {
    return check.exec(
      bytes,
      started.start(processFields.binary),
      started.end(processFields.binary),
      started.start(processFields.arguments),
      started.end(processFields.arguments),
    );
  }

  /** A fork without exec has an exec_id that no exec event ever carried: only its children name it. */
  function rememberParent(bytes: Buffer): void {
    parent.read(bytes, inner.start(processExecFields.parent), inner.end(processExecFields.parent));
    const from = parent.start(processFields.start_time);
    const to = parent.end(processFields.start_time);
    remember(bytes, parent, timestampSeconds(bytes, from, to));
  }

  /** Keeps the process in the table; true if its parent is known there. */
  function remember(bytes: Buffer, process: WireSpans, seconds: number): boolean {
    const keyFrom = process.start(processFields.exec_id);
    const keyTo = process.end(processFields.exec_id);
    if (keyTo === keyFrom) return false;
    const parentFrom = process.start(processFields.parent_exec_id);
    const parentTo = process.end(processFields.parent_exec_id);
    const long = process.length(processFields.arguments) > KEPT_ARGUMENTS;
    const count = gather(process, long);
    if (!long)
      return processes.putPieces(bytes, keyFrom, keyTo, parentFrom, parentTo, seconds, pieces, count);
    const length = writeCut(bytes, process, count);
    return processes.put(bytes, keyFrom, keyTo, parentFrom, parentTo, seconds, scratch, length);
  }

  /** The kept fields as pieces of the message, neighbours as one; long arguments and their flags are left out. */
  function gather(process: WireSpans, long: boolean): number {
    let count = 0;
    let last = -1;
    for (let i = 0; i < keptFields.length; i += 1) {
      const field = keptFields[i]!;
      if (!process.has(field)) continue;
      if (long && (field === processFields.arguments || field === processFields.flags)) continue;
      const from = process.tag(field);
      if (from !== last) {
        pieces[count * 2] = from;
        count += 1;
      }
      last = process.end(field);
      pieces[count * 2 - 1] = last;
    }
    return count;
  }

  /** Writes the pieces, then the beginning of long arguments; gives the length. */
  function writeCut(bytes: Buffer, process: WireSpans, count: number): number {
    let needed = KEPT_ARGUMENTS + process.length(processFields.flags) + 64;
    for (let i = 0; i < count * 2; i += 2) needed += pieces[i + 1]! - pieces[i]!;
    if (needed > scratch.length) scratch = Buffer.alloc(needed * 2);
    let to = 0;
    for (let i = 0; i < count * 2; i += 2) to += bytes.copy(scratch, to, pieces[i], pieces[i + 1]);
    return writeArguments(bytes, process, to);
  }

  /** Arguments, cut, and flags with the sensor's own mark for that, so that they are read as truncated. */
  function writeArguments(bytes: Buffer, process: WireSpans, at: number): number {
    const from = process.start(processFields.arguments);
    let to = writeHead(at, processFields.arguments, KEPT_ARGUMENTS);
    to += bytes.copy(scratch, to, from, from + KEPT_ARGUMENTS);
    to = writeHead(to, processFields.flags, process.length(processFields.flags) + truncated.length);
    to += bytes.copy(scratch, to, process.start(processFields.flags), process.end(processFields.flags));
    return to + truncated.copy(scratch, to);
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

  function exit(bytes: Buffer): void {
    counts.exits += 1;
    inner.read(bytes, top.start(eventFields.process_exit), top.end(eventFields.process_exit));
    const seconds = timestampSeconds(
      bytes,
      inner.start(processExitFields.time),
      inner.end(processExitFields.time),
    );
    started.read(bytes, inner.start(processExitFields.process), inner.end(processExitFields.process));
    const from = started.start(processFields.exec_id);
    const to = started.end(processFields.exec_id);
    if (to > from) processes.exit(bytes, from, to, Math.floor(seconds));
  }

  /** The report's number stands above the fields that WireSpans knows; any other message ends here too. */
  function rateLimit(bytes: Buffer, from: number, to: number): void {
    const walk = new Walk(bytes, from, to);
    while (walk.next()) {
      if (walk.field !== eventFields.rate_limit_info || walk.type !== 2) continue;
      counts.sensor_loss_reports += 1;
      const report = new Walk(bytes, walk.start, walk.end);
      while (report.next())
        if (report.field === rateLimitInfoFields.number_of_dropped_process_events && report.type === 0)
          counts.sensor_lost_events += report.value;
      return;
    }
  }

  return take;
}

function has(bytes: Buffer, process: WireSpans, word: Buffer): boolean {
  const end = process.end(processFields.flags) - word.length;
  const first = word[0]!;
  for (let at = process.start(processFields.flags); at <= end; at += 1) {
    if (bytes[at] !== first) continue;
    let i = 1;
    while (i < word.length && bytes[at + i] === word[i]) i += 1;
    if (i === word.length) return true;
  }
  return false;
}
